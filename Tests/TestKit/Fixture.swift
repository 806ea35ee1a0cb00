import Foundation
import SemanticPullbacks

/// The files that the scripts under Tests/Oracles wrote.
public enum Fixture {
  /// The repository's folder.
  public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Whether the repository holds a file: `Figures/fig3-scenes.png`.
  public static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  public static func path(_ name: String) -> String {
    root.appendingPathComponent("Tests/Oracles/fixtures/\(name)").path
  }

  /// The tensors of `name.safetensors`.
  public static func tensors(_ name: String) throws -> Checkpoint {
    try Checkpoint(contentsOf: path("\(name).safetensors"))
  }

  /// The JSON document `name.json` as Foundation's objects.
  public static func json(_ name: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path("\(name).json"))))
  }
}
