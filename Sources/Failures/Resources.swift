import Foundation

/// What `make install` or a Debian package put beside a program's folder `bin`.
public enum Installation {
  /// The folder `share/semantic-pullbacks` beside that of the running program; nil where the program runs from where it
  /// was built, and where this code is a library in a program of another language.
  public static let share: String? = {
    guard pathOfThisCode.map({ folder(ofFileAt: $0) == folderOfProgram }) ?? true else { return nil }
    let share = folderOfProgram.deletingLastPathComponent().appendingPathComponent("share/semantic-pullbacks").path
    return isFolder(share) ? share : nil
  }()

  /// Where the running program lies, links to it followed.
  public static let folderOfProgram = folder(ofFileAt: "/proc/self/exe")

  fileprivate static func folder(ofFileAt path: String) -> URL {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().deletingLastPathComponent()
  }
}

/// The path of a resource of one of the package's targets: where the running program was installed, beside the shared
/// library or program that this code is part of, beside the running program, beside the bundle of tests that runs in
/// it, or where it was built from. `Bundle.module` would end the program if it found none.
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
    // There are no arguments where this is a library in a program of another language.
    let files = [pathOfThisCode, "/proc/self/exe", CommandLine.arguments.first].compactMap(\.self)
    let sources = URL(fileURLWithPath: source).deletingLastPathComponent()
    folders =
      files.map { Installation.folder(ofFileAt: $0).appendingPathComponent(name).path }
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

/// The file of the program or shared library that this code is part of, as the system's list of mapped files has it;
/// nil where there is no such list.
private let pathOfThisCode: String? = {
  let address = UInt(bitPattern: #dsohandle)
  // The system hands over a page at a time, and calls the file empty: a String takes the first page for all of it.
  let maps = (try? FileHandle(forReadingAtPath: "/proc/self/maps")?.readToEnd()) ?? Data()
  for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
    // 7f0c54000000-7f0c54021000 r-xp 00000000 08:01 1234   /usr/lib/libm.so
    let fields = line.split(separator: " ", maxSplits: 5)
    let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    guard fields.count == 6, bounds.count == 2, bounds[0] <= address, address < bounds[1] else { continue }
    return fields[5].trimmingCharacters(in: .whitespaces)
  }
  return nil
}()
