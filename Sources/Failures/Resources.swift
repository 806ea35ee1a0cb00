import Foundation

/// The path of a resource of one of the package's targets: beside the running program, beside the bundle of tests that
/// runs in it, or where it was built from. `Bundle.module` would end the program if it found none.
///
/// - Parameters:
///   - file: below the target's folder of resources.
///   - target: the target that it belongs to.
///   - source: the path of a file in the target's own folder.
/// - Throws: `PullbackError` of kind `unavailable` if the package was taken apart and its resources are elsewhere.
public func pathOfResource(_ file: String, of target: String, besideSource source: String) throws(PullbackError)
  -> String
{
  let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
  let sources = URL(fileURLWithPath: source).deletingLastPathComponent()
  let folders =
    [program, tests].map { $0.appendingPathComponent("SemanticPullbacks_\(target).resources").path }
    + [sources.appendingPathComponent("Resources").path]
  guard let found = folders.map({ "\($0)/\(file)" }).first(where: exists) else {
    throw PullbackError(
      .unavailable, (file as NSString).lastPathComponent, "is not in \(folders[0])",
      advice: "keep the folder of resources that was built beside the program, or copy it along")
  }
  return found
}
