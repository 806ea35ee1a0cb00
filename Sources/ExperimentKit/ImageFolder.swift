import Foundation
import Imaging
import Networks
import Pullbacks

/// A folder of labelled images: a `labels.csv` in it, or a folder per class named by its WordNet id (as ImageNet and
/// Imagenette are laid out).
public struct ImageFolder: Sendable {
  /// One file and its class.
  public struct Entry: Equatable, Sendable {
    public let path: String
    public let target: Int
  }

  /// In the order of the file names.
  public let entries: [Entry]

  /// - Throws: `PullbackError` if there is no such folder, or nothing in it says which class its images are of.
  public init(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      throw PullbackError(.noInput, path, "is not a folder", advice: "name the folder of your images with --images")
    }
    let labels = path + "/labels.csv"
    entries = try Cache.has(labels) ? Self.listed(in: labels, folder: path) : Self.inClassFolders(path)
  }

  private static func listed(in labels: String, folder: String) throws -> [Entry] {
    let rows = try CSV.rows(at: labels)
    guard let columns = rows.first?.keys, columns.contains("file"),
      let classColumn = ["class", "imagenet_class", "wordnet"].first(where: columns.contains)
    else {
      throw PullbackError(
        .data, labels, "expected a column file and one of class, imagenet_class or wordnet, and at least one row")
    }
    return try rows.enumerated().map { index, row in
      let label = row[classColumn] ?? ""
      let target = classColumn == "wordnet" ? target(ofWordNetID: label) : Int(label)
      guard let file = row["file"], !file.isEmpty, let target, ImageNetClasses.all.indices.contains(target) else {
        throw PullbackError(
          .data, labels, "row \(index + 1): expected a file and one of ImageNet's classes, found \"\(label)\"")
      }
      return Entry(path: "\(folder)/\(file)", target: target)
    }.sorted { $0.path < $1.path }
  }

  private static func inClassFolders(_ path: String) throws -> [Entry] {
    var entries: [Entry] = []
    for folder in try namesOfFiles(in: path) {
      guard let target = target(ofWordNetID: folder) else { continue }
      for file in try namesOfFiles(in: "\(path)/\(folder)") {
        let ending = (file as NSString).pathExtension.lowercased()
        if ["jpg", "jpeg", "png"].contains(ending) {
          entries.append(Entry(path: "\(path)/\(folder)/\(file)", target: target))
        }
      }
    }
    guard !entries.isEmpty else {
      throw PullbackError(
        .data, path, "holds neither a labels.csv nor folders named by WordNet ids with images in them",
        advice: "lay it out as n01440764/name.JPEG, or write a labels.csv with the columns file and class")
    }
    return entries
  }

  private static func target(ofWordNetID id: String) -> Int? { ImageNetClasses.all.first { $0.wordNetID == id }?.index }

  /// The first `count` images of different classes, or as many as there are.
  public func load(_ count: Int, size: Int) throws -> [LabelledImage] {
    var seen: Set<Int> = []
    let chosen = entries.filter { seen.insert($0.target).inserted }.prefix(count)
    return try chosen.map { entry in
      let name = ((entry.path as NSString).lastPathComponent as NSString).deletingPathExtension
      return LabelledImage(
        name: name, target: entry.target, className: ImageNetClasses.all[entry.target].name,
        image: try ImageLoader(size: size).image(at: entry.path), mask: nil)
    }
  }
}
