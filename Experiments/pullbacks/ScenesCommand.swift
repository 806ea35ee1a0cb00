import ArgumentParser
import ExperimentKit
import Failures
import Foundation
import Scenes

struct ScenesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scenes",
    abstract: "Draw scenes: pictures of ten classes with known parts.",
    discussion: """
      --sheet draws the scenes in rows of ten; each row shows every class once, in the order of the classes. \
      --export writes NNNNN.png, the object's mask NNNNN-object.png, a mask NNNNN-<part>.png for each part (white \
      where the part is visible), and labels.csv.

      Examples:
        pullbacks scenes --sheet scenes.png --count 200
        pullbacks scenes --export scenes --count 50 --seed 7
      """)

  @Option(help: ArgumentHelp("Draw all scenes on one sheet.", valueName: "file.png"))
  var sheet: String?

  @Option(help: ArgumentHelp("Write each scene and its masks.", valueName: "folder"))
  var export: String?

  @Option(help: "The number of scenes.")
  var count = 200

  @Option(help: "The seed of the scenes.")
  var seed: UInt64 = 314

  @Option(help: "The side of a scene in pixels.")
  var size = 96

  @OptionGroup var outputs: OutputOptions

  func validate() throws {
    guard sheet != nil || export != nil else { throw ValidationError("Give --sheet or --export.") }
    guard (1...100_000).contains(count) else { throw ValidationError("--count is 1 to 100000.") }
  }

  func run() throws {
    let generator = SceneGenerator(seed: seed)
    if let sheet {
      try outputs.check([sheet], inputs: [])
      try generator.sheet(count: count, size: size).writeSignedPNG(to: sheet)
    }
    if let export {
      let renderer = try SceneRenderer(size: size)
      try makeFolder(export)
      try outputs.check(try filesToReplace(in: export), inputs: [])
      try self.export(generator, renderer, to: export)
    }
  }

  /// The files in the folder that may be written anew: they are called as scenes and their masks are.
  private func filesToReplace(in folder: String) throws -> [String] {
    try namesOfFiles(in: folder).filter { name in
      guard let match = name.wholeMatch(of: /([0-9]{5,6})(-[a-z-]+)?\.png/) else { return name == "labels.csv" }
      return Int(match.1).map { $0 < count } ?? false
    }.map { "\(folder)/\($0)" }
  }

  private func export(_ generator: SceneGenerator, _ renderer: SceneRenderer, to folder: String) throws {
    var table = "file,label,class,scale,noise,blur,clutter,occluders,level,grade,diagnostic parts\n"
    for index in 0..<count {
      let scene = generator.scene(index)
      let rendered = try renderer.render(scene)
      let number = String(repeating: "0", count: max(0, 5 - "\(index)".count)) + "\(index)"
      let path = "\(folder)/\(number)"
      try rendered.picture.writeSignedPNG(to: path + ".png")
      try Picture(mask: rendered.objectMask).writeSignedPNG(to: path + "-object.png")
      for (part, mask) in rendered.partMasks {
        try Picture(mask: mask).writeSignedPNG(to: "\(path)-\(part.name.replacingOccurrences(of: " ", with: "-")).png")
      }
      let difficulty = scene.difficulty
      let numbers = [difficulty.scale, difficulty.noise, difficulty.blur].map { decimal($0, places: 4) }
      let columns =
        ["\(number).png", "\(scene.label.rawValue)", scene.label.name] + numbers + [
          "\(difficulty.clutter)", "\(difficulty.occluders)", decimal(difficulty.level, places: 4),
          difficulty.grade.rawValue, scene.label.diagnosticParts.map(\.name).joined(separator: ";"),
        ]
      table += columns.joined(separator: ",") + "\n"
    }
    try AtomicFile.write(Array(table.utf8), to: "\(folder)/labels.csv")
  }
}
