import Foundation

/// What `make install` or a Debian package put beside a program's folder `bin`.
public enum Installation {
  /// The folder `share/semantic-pullbacks` beside that of the running program; nil where the program runs from where it
  /// was built.
  public static let share: String? = {
    let share = folderOfProgram.deletingLastPathComponent().appendingPathComponent("share/semantic-pullbacks").path
    return isFolder(share) ? share : nil
  }()

  /// Where the running program lies, links to it followed.
  public static let folderOfProgram =
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
}

/// The path of a resource of one of the package's targets: where the running program was installed, beside the program,
/// beside the bundle of tests that runs in it, or where it was built from. `Bundle.module` would end the program if
/// it found none.
///
/// - Parameters:
///   - file: below the target's folder of resources.
///   - target: the target that it belongs to.
///   - source: the path of a file in the target's own folder.
/// - Throws: `PullbackError` of kind `unavailable` if the package was taken apart and its resources are elsewhere.
public func pathOfResource(_ file: String, of target: String, besideSource source: String) throws(PullbackError)
  -> String
{
  let name = "SemanticPullbacks_\(target).resources"
  let folders: [String]
  if let share = Installation.share {
    // Nothing of the folder that somebody happens to be in, or of a checkout that happens to be there.
    folders = ["\(share)/\(name)"]
  } else {
    let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    let sources = URL(fileURLWithPath: source).deletingLastPathComponent()
    folders =
      [Installation.folderOfProgram, tests].map { $0.appendingPathComponent(name).path }
      + [sources.appendingPathComponent("Resources").path]
  }
  guard let found = folders.map({ "\($0)/\(file)" }).first(where: exists) else {
    throw PullbackError(
      .unavailable, (file as NSString).lastPathComponent, "is not in \(folders[0])",
      advice: Installation.share == nil
        ? "keep the folder of resources that was built beside the program, or copy it along" : "install pullbacks again"
    )
  }
  return found
}
