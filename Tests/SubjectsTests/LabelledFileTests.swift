import Failures
import Foundation
import Imaging
import Networks
import Subjects
import TestKit
import Testing

/// Folders of labelled images in both layouts.
@Suite struct LabelledFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, to name: String) throws {
    let url = folder.url.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func entries() throws -> [String: Int] {
    let entries = try LabelledFile.inFolder(folder.url.path)
    return Dictionary(
      uniqueKeysWithValues: entries.map { (String($0.path.dropFirst(folder.url.path.count + 1)), $0.target) })
  }

  @Test func classFolders() throws {
    for name in ["n02391049/b.JPEG", "n02391049/a.png", "n01440764/c.jpg", "n01440764/notes.txt", "other/d.jpg"] {
      try write("", to: name)
    }
    #expect(try entries() == ["n02391049/a.png": 340, "n02391049/b.JPEG": 340, "n01440764/c.jpg": 0])
  }

  @Test(arguments: [
    "file,class\nb.jpg,340\na.jpg,0\n",
    "file,imagenet_class,name\r\n\"b.jpg\",340,\"zebra, plains\"\r\na.jpg,0,tench\r\n",
    "\u{FEFF}wordnet,file\nn02391049,b.jpg\nn01440764,a.jpg\n", "file,class\nb.jpg,zebra\na.jpg,n01440764\n",
  ])
  func labels(text: String) throws {
    try write(text, to: "labels.csv")
    #expect(try entries() == ["a.jpg": 0, "b.jpg": 340])
    #expect(try LabelledFile.inFolder(folder.url.path).map(\.target) == [0, 340])
  }

  /// Quotes within quotes, letters beyond ASCII, further columns with commas and line ends, empty lines at the end.
  @Test(arguments: [
    ("file,class\n\"a \"\"b\"\", c.jpg\",340\n", ["a \"b\", c.jpg": 340]),
    ("file,class\r\nzèbre 猫.jpg,340\r\nübung/ñ.png,0\r\n", ["zèbre 猫.jpg": 340, "übung/ñ.png": 0]),
    ("note,class,file\n\"two\nlines, \"\"q\"\"\",340,a.jpg\n\n\n", ["a.jpg": 340]),
  ])
  func oddLabels(text: String, expected: [String: Int]) throws {
    try write(text, to: "labels.csv")
    #expect(try entries() == expected)
  }

  @Test func refusesLabelsThatAreNoText() throws {
    let latin1 = Array("file,class\nz".utf8) + [0xE8] + Array("bre.jpg,340\n".utf8)
    for bytes in [[0xFF, 0xFE, 0x66, 0x00], latin1] {
      try Data(bytes).write(to: folder.url.appendingPathComponent("labels.csv"))
      let error = try #require(throws: PullbackError.self) { try LabelledFile.inFolder(folder.url.path) }
      #expect(error.kind == .data && error.description.contains("is not UTF-8 text"), "\(error)")
    }
  }

  @Test(arguments: [
    ("file,kind\na.jpg,3\n", "expected a column file"), ("file;class\na.jpg;3\n", "expected a column file"),
    ("file,class\n", "at least one row"), ("file,class\na.jpg\n", "row 1"), ("file,class\n,3\n", "row 1"),
    ("file,class\na.jpg,-1\n", "row 1"), ("file,class\na.jpg,3.0\n", "row 1"),
    ("file,class\na.jpg,0\nb.jpg,\n", "row 2"),
    ("file,class\na.jpg,99999999999999999999\n", "row 1"), ("\0\0\0\n\0", "expected a column file"),
    ("file,class\n\"a.jpg,3\n", "labels.csv"), ("file,file,class\na.jpg,b.jpg,3\n", "labels.csv"),
    ("file,class\na.jpg,1000\n", "row 1"),
    ("file,class\na.jpg,zebar\n", "by number or name, found \"zebar\""),
    ("file,class\na.jpg,3\na.jpg,3\n", "row 2: \"a.jpg\" is listed twice"),
    ("file,wordnet\na.jpg,n99999999\n", "n99999999"), ("", "column file"),
  ])
  func refusesBadLabels(text: String, mentions: String) throws {
    try write(text, to: "labels.csv")
    let error = try #require(throws: PullbackError.self) { try LabelledFile.inFolder(folder.url.path) }
    #expect(error.kind == .data && error.description.contains(mentions), "\(error)")
  }

  @Test func refusesAFolderWithoutLabels() throws {
    try write("", to: "cat.jpg")
    let error = try #require(throws: PullbackError.self) { try LabelledFile.inFolder(folder.url.path) }
    #expect(error.kind == .data && error.description.contains("WordNet"))
  }

  @Test func refusesAMissingFolder() throws {
    let error = try #require(throws: PullbackError.self) { try LabelledFile.inFolder(folder.path("nowhere")) }
    #expect(error.kind == .noInput)
  }

  /// One image of each class, in the order of the file names.
  @Test func loadsDifferentClasses() throws {
    let picture = Picture(width: 2, height: 2, pixels: [UInt8](repeating: 200, count: 12))
    for name in ["n02391049/b.png", "n02391049/a.png", "n01440764/c.png"] {
      try write("", to: name)
      try picture.writePNG(to: folder.path(name))
    }
    let files = try LabelledFile.inFolder(folder.url.path).ofDifferentClasses(5)
    let samples = try FileSamples(files, loader: ImageLoader(size: 8))
    #expect(samples.images.map(\.name) == ["n01440764/c.png", "n02391049/a.png"])
    #expect(samples.images.map { ImageNetClasses.all[$0.target].name } == ["tench", "zebra"])
    let image = try samples.sample(0).image
    #expect(image.shape == [1, 3, 8, 8])
    #expect(image.scalars.allSatisfy { $0 == 2 * 200 / 255 - 1 })
  }
}
