import Pullbacks
import Scenes
import Testing

@Suite struct MaskTests {
  /// Six scenes of every class.
  static let scenes = SceneClass.allCases.flatMap { label in
    (0..<6).map { Scene(seed: 2, index: 10 * $0 + label.rawValue, label: label) }
  }
  static let size = 96

  @Test(arguments: scenes) func partsMakeUpTheObject(_ scene: Scene) throws {
    let rendered = try scene.render(size: Self.size)
    let object = rendered.objectMask.scalars
    var sum = [Float](repeating: 0, count: object.count)
    for (_, mask) in rendered.partMasks {
      for (i, value) in mask.scalars.enumerated() { sum[i] += value }
    }
    let gap = zip(sum, object).map { abs($0 - $1) }.max() ?? 1
    #expect(gap < 0.06)
    let area = object.reduce(0, +) / Float(object.count)
    #expect(area > 0.004 && area < 0.75)
    #expect(object.min()! >= 0 && object.max()! <= 1)
    let body = rendered.partMasks[0].mask.scalars.max()!
    #expect(body > 0.5)
  }

  @Test(arguments: scenes.filter { $0.difficulty.occluders == 0 })
  func theObjectIsAsLargeAsTheDifficultySays(_ scene: Scene) throws {
    let mask = try scene.render(size: Self.size).objectMask.scalars
    let seen = mask.indices.filter { mask[$0] > 0.1 }
    let columns = seen.map { $0 % Self.size }
    let rows = seen.map { $0 / Self.size }
    let (width, height) = (columns.max()! - columns.min()! + 1, rows.max()! - rows.min()! + 1)
    let side = Double(max(width, height)) / Double(Self.size)
    // Outlines add up to two pixels; ends of lines may fall short.
    #expect(abs(side - scene.difficulty.scale) < 0.045, "\(side) instead of \(scene.difficulty.scale)")
  }

  @Test(arguments: scenes.filter { $0.difficulty.occluders == 0 })
  func diagnosticPartsAreSeen(_ scene: Scene) throws {
    let masks = try scene.render(size: Self.size).partMasks
    let seen = masks.filter { $0.part.isDiagnostic && $0.mask.scalars.reduce(0, +) > 2 }.map(\.part)
    #expect(seen.count * 3 >= scene.label.diagnosticParts.count * 2, "\(scene.label): only \(seen)")
  }

  @Test(arguments: SceneClass.allCases) func partsAreNamedOnceAndCarriersExist(_ label: SceneClass) {
    let names = label.parts.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(label.parts.allSatisfy { $0.owner == label && ($0.carrier.map(names.contains) ?? true) })
    #expect(label.parts[0].role == .body && !label.parts[0].isDiagnostic)
    #expect(!label.diagnosticParts.isEmpty)
  }
}
