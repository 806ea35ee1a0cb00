import Foundation

/// Where a resource of one of the package's targets lies: beside the running program, beside the bundle of tests that
/// runs in it, beside the shared library that this code is part of, or where it was built from. `Bundle.module` would end
/// the program where it finds none.
///
/// - Parameters:
///   - file: below the target's folder of resources.
///   - target: whose it is.
///   - source: the path of a file in the target's own folder.
/// - Throws: `PullbackError` of kind `unavailable` if the package was taken apart and its resources are elsewhere.
public func pathOfResource(_ file: String, of target: String, besideSource source: String) throws(PullbackError)
  -> String
{
  let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  // There are no arguments where this is a library in a program of another language.
  let tests = URL(fileURLWithPath: CommandLine.arguments.first ?? "").resolvingSymlinksInPath()
    .deletingLastPathComponent()
  let library = URL(fileURLWithPath: pathOfThisCode).resolvingSymlinksInPath().deletingLastPathComponent()
  let sources = URL(fileURLWithPath: source).deletingLastPathComponent()
  let folders =
    [program, tests, library].map { $0.appendingPathComponent("SemanticPullbacks_\(target).resources").path }
    + [sources.appendingPathComponent("Resources").path]
  guard let found = folders.map({ "\($0)/\(file)" }).first(where: exists) else {
    throw PullbackError(
      .unavailable, (file as NSString).lastPathComponent, "is not in \(folders[0])",
      advice: "keep the folder of resources that was built beside the program, or copy it along")
  }
  return found
}

/// The file of the program or shared library that this code is part of, as the system's list of mapped files has it.
private var pathOfThisCode: String {
  let address = UInt(bitPattern: #dsohandle)
  let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
  for line in maps.split(separator: "\n") {
    // 7f0c54000000-7f0c54021000 r-xp 00000000 08:01 1234   /usr/lib/libm.so
    let fields = line.split(separator: " ", maxSplits: 5)
    let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    guard fields.count == 6, bounds.count == 2, bounds[0] <= address, address < bounds[1] else { continue }
    return fields[5].trimmingCharacters(in: .whitespaces)
  }
  return ""
}
