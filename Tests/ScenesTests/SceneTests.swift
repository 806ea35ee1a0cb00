import Imaging
import Kernels
import Pullbacks
import Scenes
import TestKit
import Testing

@Suite struct SceneTests {
  let generator = SceneGenerator(seed: 314)

  @Test func aSceneDependsOnSeedAndIndexAlone() throws {
    let renderer = try SceneRenderer(size: 64)
    let forward = try (0..<20).map { try renderer.picture(generator.scene($0)) }
    let backward = try (0..<20).reversed().map { try generator.scene($0).render(size: 64).picture }
    let agree = forward == backward.reversed()
    #expect(agree)
    let count = Set(forward.map(\.pixels)).count
    #expect(count == 20)
    let differs = try renderer.picture(SceneGenerator(seed: 315).scene(0)) != forward[0]
    #expect(differs)
  }

  @Test func batchesAreTheSameOnAnyNumberOfThreads() throws {
    let indices = [40, 3, 3] + Array(100..<137)
    let batch = try generator.batch(indices, size: 48)
    let threads = Parallel.threads
    Parallel.threads = 1
    defer { Parallel.threads = threads }
    let single = try generator.batch(indices, size: 48)
    let agree = batch.pictures.scalars == single.pictures.scalars
    #expect(agree)
    #expect(batch.labels == single.labels)
    let one = try generator.scene(40).render(size: 48)
    let isSame = batch.pictures.image(0).scalars == one.tensor.scalars
    #expect(isSame)
    #expect(batch.labels[0] == one.label.rawValue)
  }

  @Test func everyTenScenesHoldEveryClassOnce() {
    let blocks = (0..<50).map { block in (0..<10).map { generator.label(block * 10 + $0) } }
    for block in blocks { #expect(Set(block).count == 10) }
    #expect(Set(blocks).count > 45)
  }

  @Test func whatIsNotTheObjectIsTheSameForAllClasses() throws {
    let church = Scene(seed: 1, index: 5, label: .church)
    let ball = Scene(seed: 1, index: 5, label: .golfBall)
    #expect(church.difficulty == ball.difficulty)
    let differ = try church.render(size: 32).picture != ball.render(size: 32).picture
    #expect(differ)
  }

  @Test func difficultySpansItsRanges() {
    let all = (0..<2000).map { generator.scene($0).difficulty }
    #expect(all.allSatisfy { (0.35...0.9).contains($0.scale) && (0...0.1).contains($0.noise) })
    #expect(all.allSatisfy { (0...0.9).contains($0.blur) && (0...5).contains($0.clutter) })
    #expect(all.allSatisfy { (0...1).contains($0.level) })
    #expect(all.map(\.scale).min()! < 0.37 && all.map(\.scale).max()! > 0.88)
    for grade in Difficulty.Grade.allCases {
      let share = Double(all.filter { $0.grade == grade }.count) / 2000
      #expect(share > 0.05 && share < 0.75, "\(grade): \(share)")
    }
  }

  @Test func sizesAndPartsAreChecked() throws {
    #expect(throws: PullbackError.self) { try SceneRenderer(size: 7) }
    #expect(throws: PullbackError.self) { try SceneRenderer(size: 5000) }
    #expect(throws: PullbackError.self) { try SceneGenerator(seed: 1).batch([0], size: 0) }
    let church = Scene(seed: 1, index: 1, label: .church)
    let tail = SceneClass.tench.diagnosticParts[0]
    #expect(throws: PullbackError.self) { try church.removing(tail) }
    #expect(throws: PullbackError.self) { try church.swapping(tail, from: .golfBall) }
    #expect(throws: PullbackError.self) { try generator.sheet(count: 0) }
  }

  /// Other releases of Cairo antialias differently; a drawing that changed differs by far more.
  @Test func theSheetLooksAsItDid() throws {
    try expectMatchesGolden(
      generator.sheet(count: 40, size: 48), "Tests/Golden/scenes.png",
      tolerance: PictureDifference(maxChannelDifference: 160, shareOfPixelsChanged: 0.3, meanDifference: 1))
  }
}
