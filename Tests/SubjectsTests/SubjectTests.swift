import Checkpoints
import Failures
import Faithfulness
import Foundation
import Galleries
import Imaging
import Networks
import Pullbacks
import Scenes
import Subjects
import Synchronization
import TestKit
import Testing

/// Networks with their images, from a tier or from a user's files.
struct SubjectTests {
  /// Names of nodes may hold the signs between pairs, and within them.
  @Test func pairsOfNamesAndValues() throws {
    let found = try pairs("relu=0.6,a=b=1,c,,d=sigmoid:2,", option: "temperature", namesAreOfNodes: true)
    #expect(found.map(\.0) == ["relu", "a=b", "c,,d"] && found.map(\.1) == ["0.6", "1", "sigmoid:2"])
    let settings = try pairs("layer=relu=1,border=zeros,", option: "--set")
    #expect(settings.map(\.0) == ["layer", "border"] && settings.map(\.1) == ["relu=1", "zeros"])
    for isOfNodes in [false, true] {
      for text in ["relu", "relu=1,gelu", "=1", "relu="] {
        #expect(throws: PullbackError.self, "\(text)") {
          try pairs(text, option: "temperature", namesAreOfNodes: isOfNodes)
        }
      }
    }
  }

  /// Names that differ in capitals alone: a dog and a garment.
  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"))
  func namesAsInTheListComeFirst() throws {
    let subject = try Tier.imagenet.subject(ImageNetTier.architecture, showing: .none)
    #expect(try subject.classIndex("cardigan") == 474 && subject.classIndex("Cardigan") == 264)
    #expect(throws: PullbackError.self) { try subject.classIndex("CARDIGAN") }
  }

  /// Photographs in context and cut-outs, each framed in its own way, for every network of the tier.
  @Test(.enabled(if: ImageNetTier.isFetched, "needs make imagenet"), arguments: ImageNetTier.Model.allCases)
  func photographs(model: ImageNetTier.Model) throws {
    let subject = try Tier.imagenet.subject(model.rawValue, showing: .shown(Gallery(photographs: ["zebra", "macaw"])))
    let images = try subject.images
    #expect(subject.title == model.title && images.map(\.target) == [340, 88])
    #expect(images[0].mask != nil && images[1].mask == nil)
    #expect(images.allSatisfy { $0.image.shape == [1] + subject.graph.inputShape })
    #expect(subject.credit.contains("Kendrick") && subject.credit.contains("HoloViews"))
    let count = ImageNetTier.contexts.count
    let mixed = try Tier.imagenet.subject(model.rawValue, showing: .mixed(count + 2)).samples
    #expect(mixed.images.count == count + 2 && mixed.images[2].name == ImageNetTier.contexts[0].name)
    #expect(
      mixed.description.hasPrefix("photographs in context and objects on grey, \(images[0].image.shape[2]) pixels"))
  }

  @Test(arguments: SceneNetwork.allCases)
  func scenes(model: SceneNetwork) throws {
    let subject = try Tier.scenes.subject(model.rawValue, showing: .spread(3))
    #expect(subject.title == model.title && subject.name == model.rawValue)
    #expect(subject.classNames == SceneClass.allCases.map(\.name))
    let images = try subject.images
    #expect(images.map(\.name) == ["scene 0", "scene 1", "scene 2"])
    #expect(images.allSatisfy { $0.image.shape == [1, 3, 96, 96] && $0.mask != nil && !$0.parts.isEmpty })
    #expect(try subject.classIndex("FRENCH horn") == 5 && subject.className(5) == "French horn")
    #expect(
      try subject.classIndex("7") == 7 && subject.classIndex("zebra") == nil && subject.className(17) == "class 17")
    #expect(Tier.scenes.checkpointSHA256(of: model.rawValue) == (try subject.sha256))
  }

  /// What a figure shows has no parts drawn, and the same picture and mask.
  @Test func shownScenesAreThoseThatAreScored() throws {
    let gallery = Gallery(photographs: [], scenes: [2, 0])
    let shown = try Tier.scenes.subject("vgg-scenes", showing: .shown(gallery))
    let scored = try Tier.scenes.subject("vgg-scenes", showing: .spread(3)).images
    for (image, other) in zip(try shown.images, [scored[2], scored[0]]) {
      #expect(image.name == other.name && image.target == other.target && image.parts.isEmpty)
      #expect(image.image == other.image && image.mask == other.mask)
    }
    #expect(shown.credit == "Scenes 2, 0 of seed 314.")
  }

  private final class Counter: Sendable {
    let made = Mutex(0)
  }

  private struct Counted: SampleSource {
    let counter = Counter()
    let images = (0..<Subject.keptSamples + 1).map { RunDescription.Image(name: "image \($0)", target: 0) }
    let description = "counted"
    func sample(_ index: Int) throws -> Sample {
      counter.made.withLock { $0 += 1 }
      return Sample(index: index, name: "\(index)", image: Tensor(shape: [1, 3, 2, 2]), target: 0)
    }
  }

  @Test func samplesAreMadeOnceAndFewAreKept() throws {
    let source = Counted()
    let subject = try Tier.scenes.subject("vgg-scenes", showing: .none).showing(source)
    for _ in 0..<2 { _ = try subject.images }
    #expect(source.counter.made.withLock { $0 } == Subject.keptSamples + 2)
  }

  @Test func namesThatAreNone() throws {
    for make in [
      { try Tier.scenes.subject("resnet50", showing: .none) }, { try Subject(model: "resnet51") },
      { try Subject(model: "resnet50") }, { try Tier.paper.subject("resnet50", showing: .spread(1)) },
    ] as [() throws -> Subject] {
      let error = try #require(throws: PullbackError.self) { _ = try make() }
      #expect(error.kind == .usage && !error.description.contains("--"), "\(error)")
    }
  }

  /// A user's checkpoint of a network of the scenes is shown scenes, another none.
  @Test func ownCheckpoints() throws {
    let path = try SceneNetwork.vgg.path(ending: "safetensors")
    let own = try Subject(checkpoint: path, showing: .spread(1))
    #expect(own.name == "vgg-scenes" && own.title == "vgg-scenes" && own.samples.images.count == 1)
    #expect(try Subject(checkpoint: path).images.isEmpty)
  }
}

/// Images of no known class, from files of every kind.
struct InputImageTests {
  @Test func arraysOfTheNetworksOwnShape() throws {
    let folder = try TemporaryFolder()
    for shape in [[12, 4, 5], [7], [3, 8, 6]] {
      let values = Tensor(shape: [2] + shape) { for index in $0.indices { $0[index] = Float(index) / 7 } }
      let path = folder.path("several.npy")
      try NPY.write(values, to: path)
      let images = try InputImages(path, shape: shape, range: .any)
      #expect(images.count == 2 && images.names == ["image 0", "image 1"])
      #expect(try images(0..<2) == values && images(1..<2) == values.image(1))
      try NPY.write(values.image(1).reshaped(shape), to: folder.path("one.npy"))
      #expect(try InputImages(folder.path("one.npy"), shape: shape, range: .any).one() == values.image(1))
      #expect(throws: PullbackError.self) { try InputImages(path, shape: [3, 4, 4]) }
      #expect(throws: PullbackError.self) { try InputImages(path, shape: shape, range: .any).one() }
    }
  }

  /// Pictures take the channels and the extents of the network, and are decoded once: the files may go.
  @Test func picturesAreDecodedOnce() throws {
    let folder = try TemporaryFolder()
    for name in ["a.png", "b.png"] {
      try Picture(width: 9, height: 6, pixels: (0..<162).map { UInt8($0) }).writePNG(to: folder.path(name))
    }
    let images = try InputImages(folder.url.path, shape: [1, 4, 6])
    #expect(images.names == ["a.png", "b.png"])
    let first = try images(0..<2)
    #expect(first.shape == [2, 1, 4, 6])
    for name in ["a.png", "b.png"] { try FileManager.default.removeItem(atPath: folder.path(name)) }
    #expect(try images(0..<2) == first)
    #expect(throws: PullbackError.self) { try InputImages(folder.url.path, shape: [1, 4, 6]) }
  }

  @Test func networksThatTakeNoPictures() throws {
    let folder = try TemporaryFolder()
    try Picture(width: 2, height: 2, channels: .gray, pixels: [1, 2, 3, 4]).writePNG(to: folder.path("a.png"))
    let error = try #require(throws: PullbackError.self) { try InputImages(folder.path("a.png"), shape: [7]) }
    #expect(error.kind == .usage)
  }
}
