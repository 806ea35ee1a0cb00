import Imaging
import Pullbacks
import Scenes
import Testing

@Suite struct EditTests {
  static let removals = MaskTests.scenes.filter { $0.index < 30 }.flatMap { scene in
    scene.label.diagnosticParts.map { (scene, $0) }
  }

  /// Pixels that differ.
  func changes(_ a: Scene, _ b: Scene, size: Int) throws -> [Bool] {
    let renderer = try SceneRenderer(size: size)
    let (first, second) = (try renderer.picture(a).pixels, try renderer.picture(b).pixels)
    return (0..<size * size).map { first[3 * $0..<3 * $0 + 3] != second[3 * $0..<3 * $0 + 3] }
  }

  /// Whether every place marked lies within `reach` pixels of where the mask is above nothing.
  func lie(_ places: [Bool], near mask: [Float], within reach: Int, size: Int) -> Bool {
    places.indices.allSatisfy { at in
      guard places[at] else { return true }
      let (x, y) = (at % size, at / size)
      return (max(0, y - reach)...min(size - 1, y + reach)).contains { row in
        (max(0, x - reach)...min(size - 1, x + reach)).contains { mask[row * size + $0] > 0 }
      }
    }
  }

  /// How far blur and the seams of antialiasing carry.
  func reach(_ scene: Scene) -> Int { Int((2.5 * scene.difficulty.blur).rounded(.up)) + 2 }

  @Test(arguments: removals) func removingAPartChangesNothingElse(_ scene: Scene, _ part: Part) throws {
    let size = 96
    let mask = try SceneRenderer(size: size).mask(part.withCarried, of: scene).scalars
    let without = try scene.removing(part)
    let changed = try changes(scene, without, size: size)
    let isLocal = lie(changed, near: mask, within: reach(scene), size: size)
    #expect(isLocal)
    let isSeen = mask.reduce(0, +) > 8
    let hasChanged = changed.contains(true)
    #expect(hasChanged || !isSeen)
    #expect(Set(without.parts).isDisjoint(with: part.withCarried))
    let renderer = try SceneRenderer(size: size)
    let area = try renderer.mask(scene.parts, of: scene).scalars.reduce(0, +)
    let remaining = try renderer.mask(without.parts, of: without).scalars.reduce(0, +)
    #expect(remaining <= area + 0.5)
  }

  @Test(arguments: SceneClass.allCases) func aSwapPutsTheOtherPartInPlace(_ other: SceneClass) throws {
    let label: SceneClass = other == .church ? .parachute : .church
    let scene = Scene(seed: 4, index: 3, label: label)
    for part in label.diagnosticParts {
      let swapped = try scene.swapping(part, from: other)
      let counterpart = part.counterpart(in: other)
      #expect(counterpart.owner == other && swapped.parts.contains(counterpart))
      let renderer = try SceneRenderer(size: 96)
      let (old, new) = (try renderer.mask(part.withCarried, of: scene), try renderer.mask([counterpart], of: swapped))
      let area = new.scalars.reduce(0, +)
      #expect(area > 0)
      let touched = zip(old.scalars, new.scalars).map { max($0, $1) }
      let isLocal = lie(try changes(scene, swapped, size: 96), near: touched, within: reach(scene), size: 96)
      #expect(isLocal, "\(part) to \(counterpart)")
    }
  }

  @Test func addingAPartCoversThePicture() throws {
    let scene = Scene(seed: 4, index: 8, label: .garbageTruck)
    let part = SceneClass.church.parts[6]
    let added = scene.adding(part)
    let mask = try SceneRenderer(size: 96).mask([part], of: added).scalars
    let area = mask.reduce(0, +)
    #expect(area > 10)
    let isLocal = lie(try changes(scene, added, size: 96), near: mask, within: reach(scene), size: 96)
    #expect(isLocal)
  }

  @Test func partsCorrespondByRole() {
    let spire = SceneClass.church.parts[6]
    #expect(spire.name == "spire")
    #expect(spire.counterpart(in: .tench).name == "tail")
    #expect(spire.counterpart(in: .gasPump).name == "hose")
    #expect(SceneClass.golfBall.parts[0].counterpart(in: .gasPump).name == "cabinet")
    #expect(SceneClass.church.parts[4].withCarried.map(\.name) == ["tower", "belfry", "spire", "cross"])
  }
}
