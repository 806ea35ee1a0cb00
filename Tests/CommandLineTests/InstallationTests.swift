import Foundation
import TestKit
import Testing

/// `make install` with the build that the tests are of, into folders of their own.
@Suite(.serialized) struct InstallationTests {
  private static let script = Program(script: "Sources/Packaging/install")

  /// Where it is installed, below a folder that stands for the root of a system.
  private static let prefix = "/opt/tools"

  private static func install(
    into root: String, _ arguments: [String] = [], prefix: String = prefix
  ) throws -> Program.Outcome {
    let build = Program("pullbacks").url.deletingLastPathComponent().path
    return try script.run(arguments, environment: ["BUILD": build, "PREFIX": prefix, "DESTDIR": root])
  }

  /// An installation that tests look at and leave as it is.
  private static let folder = Result { try TemporaryFolder() }
  private static let shared = Result {
    let folder = try InstallationTests.folder.get()
    let outcome = try install(into: folder.url.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    // It is never let go, but must not outlive the tests.
    atexit {
      if let folder = try? InstallationTests.folder.get() { try? FileManager.default.removeItem(at: folder.url) }
    }
    return folder
  }

  private let root: TemporaryFolder
  private var place: String { root.path(String(Self.prefix.dropFirst())) }

  init() throws { root = try Self.shared.get() }

  /// Runs the installed program, in another folder and with another home.
  private func shell(_ script: String, in folder: TemporaryFolder) throws -> Program.Outcome {
    try Program("pullbacks").shell(
      "PATH='\(place)/bin':/usr/bin:/bin; unset PULLBACKS_CACHE XDG_CACHE_HOME; export HOME='\(folder.url.path)'; "
        + script,
      in: folder.url.path)
  }

  @Test func runsFromAnyFolderOnFilesThatNobodyMayWrite() throws {
    let folder = try TemporaryFolder()
    let outcome = try shell(
      """
      set -e
      chmod -R a-w '\(place)'
      pullbacks scenes --export scenes --count 1
      for model in vgg-scenes resnet-scenes pvt-scenes
      do pullbacks predict --model $model --input scenes/00000.png; done
      pullbacks attribute --model vgg-scenes --input scenes/00000.png \
        --output map.npy --figure map.png --report map.html
      pullbacks text --model sentence-decoder --text 'the keys to the cabinet' --next are --versus is
      chmod -R u+w '\(place)'
      """, in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    for file in ["map.npy", "map.json", "map.png"] {
      #expect(FileManager.default.fileExists(atPath: folder.path(file)))
    }
    // As it is typed now, the checkout being no part of it.
    let page = try String(contentsOfFile: folder.path("map.html"), encoding: .utf8)
    #expect(page.contains("pullbacks attribute --model vgg-scenes") && !page.contains("swift run"))
  }

  /// A folder that somebody happens to be in does not stand for what was installed, nor does the checkout.
  @Test func readsItsOwnNetworksAlone() throws {
    let own = try TemporaryFolder()
    #expect(try Self.install(into: own.url.path).status == 0)
    let name = "SemanticPullbacks_Networks.resources"
    let share = own.path("opt/tools/share/semantic-pullbacks")
    let folder = try TemporaryFolder()
    #expect(try shell("pullbacks scenes --export scenes --count 1", in: folder).status == 0)
    try FileManager.default.moveItem(atPath: "\(share)/\(name)", toPath: folder.path(name))
    for place in [folder.url, Fixture.root] {
      let outcome = try Program("pullbacks").shell(
        "'\(own.path("opt/tools/bin/pullbacks"))' predict --model vgg-scenes "
          + "--input '\(folder.path("scenes/00000.png"))'",
        in: place.path)
      #expect(outcome.status == 69 && outcome.output.isEmpty)
      #expect(outcome.errors.contains("is not in \(share)/\(name); install pullbacks again"), "\(outcome.errors)")
    }
  }

  @Test func fetchedFilesAreInTheUsersCache() throws {
    let folder = try TemporaryFolder()
    let command = "pullbacks attribute --model efficientnet-lite0 --input scene.png --output x.npy"
    for (setting, cache) in [
      ("true", folder.path(".cache/semantic-pullbacks")),
      ("export XDG_CACHE_HOME=/nowhere", "/nowhere/semantic-pullbacks"),
      ("export PULLBACKS_CACHE=/there", "/there"),
    ] {
      let outcome = try shell(
        "pullbacks scenes --export . --count 1 --force && mv 00000.png scene.png; \(setting); \(command)", in: folder)
      #expect(outcome.status == 69)
      #expect(
        outcome.errors.contains("\(cache)/imagenet/efficientnet-lite0")
          && outcome.errors.contains(
            "run pullbacks fetch imagenet"),
        "\(outcome.errors)")
    }
    // What fetches them is there, and reads its own lists; with a network already there it has nothing to do.
    let scripts = try shell(
      "cd '\(place)/share/semantic-pullbacks/Experiments' && for s in */fetch; do bash -n $s || exit; done; ls -d *",
      in: folder)
    #expect(scripts.status == 0 && scripts.output == "imagenet\npackages.sh\npaper\ntext\n", "\(scripts.errors)")
    let nonsense = try shell("pullbacks fetch nonsense", in: folder)
    #expect(nonsense.status == 64 && nonsense.errors.contains("imagenet"))
  }

  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: "\(FetchedText.folder)/model.safetensors"), "needs make text"))
  func fetchedFilesAreFound() throws {
    let folder = try TemporaryFolder()
    let outcome = try shell(
      """
      export PULLBACKS_CACHE='\(FetchedText.cache)'
      pullbacks fetch text && pullbacks text --text 'A cat sat.' --against 'A kitten rests.'
      """, in: folder)
    #expect(outcome.status == 0 && outcome.output.contains("hard-pullback: cosine similarity"), "\(outcome.errors)")
  }

  // MARK: Pages and completions

  private static let groff = ["/usr/bin/groff"].first(where: FileManager.default.isExecutableFile(atPath:))

  /// Every command has a page, with every option of its help.
  @Test func everyCommandHasAPage() throws {
    let help = try Program("pullbacks").run(["--help"]).output
    let commands = help.split(separator: "SUBCOMMANDS:")[1].matches(of: /(?m)^  ([a-z-]+)/).map { String($0.1) }
    #expect(commands.count > 12)
    let folder = "\(place)/share/man/man1"
    let pages = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
    #expect(pages == Set(["pullbacks.1"] + commands.filter { $0 != "help" }.map { "pullbacks-\($0).1" }))
    for command in commands where command != "help" {
      let page = try String(contentsOfFile: "\(folder)/pullbacks-\(command).1", encoding: .utf8)
      #expect(page.utf8.allSatisfy { $0 < 128 })
      let text = page.replacing("\\-", with: "-")
      #expect(text.hasPrefix(".TH \"PULLBACKS-\(command.uppercased())\" 1 \""))
      let options = try Program("pullbacks").run([command, "--help"]).output.matches(of: /(?m)^  (--[a-z-]+)/)
      #expect(command == "doctor" || command == "fetch" || !options.isEmpty)
      for option in options.map({ String($0.1) }) where option != "--version" {
        #expect(text.contains("\n.TP\n\\fB\(option)\\fR"), "\(command) \(option)")
      }
    }
    let main = try String(contentsOfFile: "\(folder)/pullbacks.1", encoding: .utf8)
    for command in commands where command != "help" {
      #expect(main.contains("\\fB\(command.replacing("-", with: "\\-"))\\fR"))
    }
    #expect(!main.contains("swift run"))
  }

  /// The formatter has nothing to complain about, and text stays what it was.
  @Test(.enabled(if: groff != nil, "needs Debian's package groff")) func pagesAreWellFormed() throws {
    let folder = try TemporaryFolder()
    let outcome = try shell(
      """
      for page in '\(place)'/share/man/man1/*.1; do
        groff -man -ww -Tascii -P-c $page > page 2> problems || exit 1
        [ ! -s problems ] || { cat $page problems >&2; exit 1; }
        case $page in *attribute.1) cp page attribute ;; esac
      done
      """, in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let text = try String(contentsOfFile: folder.path("attribute"), encoding: .utf8).replacing(#/ +/#, with: " ")
    #expect(text.contains("pullbacks attribute --input cat.jpg --target top-3 \\\n"))
    #expect(text.contains("pullbacks-attribute - compute an attribution map: how much each value"))
  }

  @Test func completionsAreOfTheInstalledProgram() throws {
    let folder = try TemporaryFolder()
    let outcome = try shell(
      """
      cd '\(place)/share'
      source bash-completion/completions/pullbacks && complete -p pullbacks && head -1 zsh/site-functions/_pullbacks
      grep -c attribute fish/vendor_completions.d/pullbacks.fish
      grep -rc 'make imagenet' zsh fish
      """, in: folder)
    let lines = outcome.output.split(separator: "\n")
    #expect(
      lines[0].hasPrefix("complete ") && lines[1] == "#compdef pullbacks" && Int(lines[2])! > 0, "\(outcome.output)")
    #expect(lines.dropFirst(3).allSatisfy { $0.hasSuffix(":0") })
  }

  // MARK: Taking it away

  @Test func uninstallLeavesWhatIsNotItsOwn() throws {
    let own = try TemporaryFolder()
    for file in ["bin/other", "share/man/man1/pullbacks-mine.1", "share/semantic-pullbacks/mine"] {
      let path = own.path("opt/tools/\(file)")
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try "mine".write(toFile: path, atomically: true, encoding: .utf8)
    }
    // Twice, as after an update.
    for _ in 0..<2 { #expect(try Self.install(into: own.url.path).status == 0) }
    let removed = try Self.install(into: own.url.path, ["--uninstall"])
    #expect(removed.status == 0, "\(removed.errors)")
    let left = FileManager.default.enumerator(atPath: own.url.path)!.compactMap { $0 as? String }
    let files = left.filter { (try? String(contentsOfFile: own.path($0), encoding: .utf8)) != nil }
    #expect(
      Set(files) == [
        "opt/tools/bin/other", "opt/tools/share/man/man1/pullbacks-mine.1", "opt/tools/share/semantic-pullbacks/mine",
      ])
    #expect(!left.contains { $0.hasSuffix("zsh") || $0.hasSuffix("fish") || $0.hasSuffix(".resources") })
    let again = try Self.install(into: own.url.path, ["--uninstall"])
    #expect(again.status == 66 && again.errors.contains("nothing of pullbacks was installed"))
  }

  @Test func mistakesAreRefused() throws {
    let own = try TemporaryFolder()
    #expect(try Self.install(into: own.url.path, prefix: "relative").status == 64)
    let build = try Self.script.run(
      [], environment: ["BUILD": own.url.path, "PREFIX": "/usr", "DESTDIR": own.url.path])
    #expect(build.status == 66 && build.errors.contains("build it first"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: own.url.path).isEmpty)
    // A damaged list leads nowhere.
    let share = own.path("usr/share/semantic-pullbacks")
    try FileManager.default.createDirectory(atPath: share, withIntermediateDirectories: true)
    try "keep".write(toFile: own.path("kept"), atomically: true, encoding: .utf8)
    try "../kept\n".write(toFile: share + "/installed", atomically: true, encoding: .utf8)
    #expect(try Self.install(into: own.url.path, ["--uninstall"], prefix: "/usr").status == 65)
    #expect(FileManager.default.fileExists(atPath: own.path("kept")))
  }
}

/// Where `make text` puts its model.
private enum FetchedText {
  static let cache =
    ProcessInfo.processInfo.environment["PULLBACKS_CACHE"] ?? Fixture.root.appendingPathComponent(".cache").path
  static let folder = "\(cache)/text/all-MiniLM-L6-v2"
}
