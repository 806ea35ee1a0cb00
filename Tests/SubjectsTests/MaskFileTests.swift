import Failures
import Faithfulness
import Foundation
import Imaging
import Pullbacks
import Scenes
import Subjects
import TestKit
import Testing

/// Masks beside images: which files they are, and that they lie where the object is.
@Suite struct MaskFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ name: String, width: Int = 32, height: Int = 32, white: Range<Int> = 0..<0) throws {
    let url = folder.url.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    let pixels = (0..<width * height).flatMap { place -> [UInt8] in
      Array(repeating: white.contains(place % width) ? 255 : 0, count: 3)
    }
    try Picture(width: width, height: height, pixels: pixels).writePNG(to: url.path)
  }

  static let names = ["a", "a-object", "a-left-ear", "a-b", "a-b-object", "a-b-tail", "c", "c-object-object", "d-ear"]

  /// Without a list, the mask of an object is no image of its own, and other files are.
  @Test func masksInClassFolders() throws {
    for name in Self.names { try write("340/\(name).png") }
    let files = try LabelledFile.inFolder(folder.url.path)
    let images = ["a", "a-b", "a-b-tail", "a-left-ear", "c", "c-object-object", "d-ear"]
    #expect(files.map(\.name).sorted() == images.map { "340/\($0).png" }.sorted())
    let masks = files.filter { $0.masks != nil }
    #expect(masks.map(\.name).sorted() == ["340/a-b.png", "340/a.png"])
    #expect(masks.allSatisfy { $0.masks?.object == $0.path.dropLast(4) + "-object.png" })
    #expect(masks.allSatisfy { $0.masks?.parts.isEmpty == true })
  }

  /// With a list, what it does not name is a part; of two images whose names begin alike, the longer one's.
  @Test func partsBesideAList() throws {
    for name in Self.names { try write("\(name).png") }
    try Data("file,class,diagnostic parts\na.png,1,left ear;nose\na-b.png,2,\nc.png,3,tail\n".utf8)
      .write(to: folder.url.appendingPathComponent("labels.csv"))
    let files = try LabelledFile.inFolder(folder.url.path)
    #expect(files.map(\.name) == ["a-b.png", "a.png", "c.png"])
    #expect(files.map { $0.masks?.parts.map(\.name) } == [["tail"], ["left-ear"], nil])
    #expect(files.map { $0.masks?.parts.map(\.isDiagnostic) } == [[false], [true], nil])
  }

  /// A mask of places of the output is framed as the picture is, so it has its size; an array's size is not known.
  @Test func masksOfAnotherSize() throws {
    for name in ["cat", "cats/a", "whole"] { try write("\(name).png", width: 40, height: 30, white: 0..<40) }
    try write("small.png", white: 0..<20)
    try Data("no picture".utf8).write(to: folder.url.appendingPathComponent("cats/b.png"))
    try NPY.write(Tensor(shape: [3, 24, 24]), to: folder.path("x.npy"))
    for (input, name) in [("cat.png", "cat.png"), ("cats", "a.png")] {
      let images = try InputImages(folder.path(input), shape: [3, 24, 24])
      try images.checkSize(ofMask: folder.path("whole.png"))
      let error = #expect(throws: PullbackError.self) { try images.checkSize(ofMask: folder.path("small.png")) }
      #expect(error?.problem == "expected a mask of 40 x 30 pixels, as \(name) has, found 32 x 32")
    }
    try InputImages(folder.path("x.npy"), shape: [3, 24, 24], range: .any).checkSize(ofMask: folder.path("small.png"))
  }

  /// Where nothing is labelled, masks are no images either; with a list, parts are known too.
  @Test func masksAreNoImages() throws {
    for name in Self.names { try write("\(name).png") }
    func images() throws -> InputImages { try InputImages(folder.url.path, shape: [3, 8, 8]) }
    let without = try images()
    #expect(
      without.names == ["a-b-tail", "a-b", "a-left-ear", "a", "c-object-object", "c", "d-ear"].map { $0 + ".png" })
    #expect(without.remark?.hasSuffix("skipped 2 mask files of images, for example a-b-object.png") == true)
    let list = folder.url.appendingPathComponent("labels.csv")
    try Data("file,class\na.png,1\na-b.png,2\na-object.png,2\n".utf8).write(to: list)
    #expect(try images().names == ["a-b", "a-object", "a", "c-object-object", "c", "d-ear"].map { $0 + ".png" })
    // Something else of that name tells nothing.
    try Data("x".utf8).write(to: list)
    #expect(try images().names == without.names)
    for name in Self.names where name.contains("object") {
      try FileManager.default.removeItem(atPath: folder.path("\(name).png"))
    }
    #expect(try images().remark == nil && images().count == 6)
  }

  /// A mask is framed as its image, whatever is shown of it.
  @Test(arguments: [ImageLoader.Framing.release, .covering, .shorterSide(24), .exactly(height: 20, width: 40)])
  func masksStayOverTheirImages(framing: ImageLoader.Framing) throws {
    try write("340/a.png", width: 60, height: 40, white: 20..<30)
    try write("340/a-object.png", width: 60, height: 40, white: 20..<30)
    let loader = ImageLoader(size: 20, framing: framing)
    let source = try FileSamples(LabelledFile.inFolder(folder.url.path), loader: loader)
    let sample = try source.sample(0)
    let mask = try #require(sample.mask)
    let haveMasks = try source.haveMasks
    #expect(mask.shape == [1, 1, 20, 20] && haveMasks)
    // The image is white where its mask is.
    let shown = sample.image.scalars[..<400].map { ($0 + 1) / 2 }
    #expect(zip(mask.scalars, shown).allSatisfy { abs($0 - $1) < 0.005 })
    #expect(mask.scalars.contains(1) && mask.scalars.contains(0))
  }

  @Test func aMaskOfAnotherSizeIsRefused() throws {
    try write("340/a.png")
    try write("340/a-object.png", width: 33)
    try write("340/b.png")
    let files = try LabelledFile.inFolder(folder.url.path)
    let error = #expect(throws: PullbackError.self) {
      try FileSamples(files, loader: ImageLoader(size: 8)).sample(0)
    }
    #expect(error?.subject.hasSuffix("a-object.png") == true)
    #expect(error?.problem == "expected a mask of 32 x 32 pixels, as its image has, found 33 x 32")
    let unreadable = UnreadableFiles()
    let rest = try FileSamples(files, loader: ImageLoader(size: 8), unreadable: unreadable)
    #expect(rest.images.map(\.name) == ["340/b.png"] && unreadable.errors.count == 1)
  }
}
