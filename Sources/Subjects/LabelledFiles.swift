import Failures
import Foundation
import Imaging
import Networks
import SwiftCSV

/// An image file and its class.
public struct LabelledFile: Equatable, Sendable {
  /// The path of the file.
  public let path: String
  /// The name in records.
  public let name: String
  /// The class, as the place of its logit.
  public let target: Int
  /// The part of the picture that is shown.
  public let framing: Framing
  /// The files of the masks of its object and parts; nil if there are none.
  public let masks: MaskFiles?

  /// The part of a file's picture that is shown.
  public enum Framing: Sendable {
    /// The middle of the photograph.
    case middle
    /// The whole photograph on a mid-grey square; its opacity is the mask of its object.
    case objectOnGray
  }

  /// - Parameters:
  ///   - path: the path of the file.
  ///   - name: the name in records.
  ///   - target: the class.
  ///   - framing: the part of the picture that is shown.
  ///   - masks: the files of its masks.
  public init(path: String, name: String, target: Int, framing: Framing = .middle, masks: MaskFiles? = nil) {
    (self.path, self.name, self.target, self.framing, self.masks) = (path, name, target, framing, masks)
  }

  /// The labelled images of a folder, in the order of their names: a `labels.csv` in it says which classes they are of,
  /// or a folder for each class, named by its WordNet id (as ImageNet and Imagenette are laid out), its name or its
  /// number. Masks of an image's object lie beside it, see ``MaskFiles``.
  ///
  /// - Parameters:
  ///   - folder: the images and their list.
  ///   - classes: the classes of the network that is to be shown them.
  /// - Throws: `PullbackError` if there is no such folder, or nothing in it says which class its images are of.
  public static func inFolder(_ folder: String, of classes: ClassList = .imageNet) throws -> [LabelledFile] {
    guard isFolder(folder) else {
      throw PullbackError(.noInput, folder, "is not a folder", advice: "name the folder of your images")
    }
    let labels = list(in: folder)
    let isList = exists(labels)
    let entries = try isList ? listed(in: labels, classes) : inClassFolders(folder, classes)
    func name(_ path: String) -> String { (path as NSString).lastPathComponent }
    let paths = entries.map { "\(folder)/\($0.file)" }
    // A list may name files that are not there, which is said when they are read.
    let listings = try Dictionary(grouping: paths, by: Failures.folder(of:)).filter { isFolder($0.key) }
      .reduce(into: [String: MaskFiles.Listing]()) { listings, group in
        listings[group.key] = try .init(of: group.key, images: isList ? Set(group.value.map(name)) : nil)
      }
    return zip(entries, paths).map { entry, path in
      LabelledFile(
        path: path, name: PathText.shown(entry.file), target: entry.target,
        masks: listings[Failures.folder(of: path)]?.masks(of: name(path), diagnostic: entry.diagnostic))
    }
  }

  /// The path of a folder's list of images, if it has one.
  private static func list(in folder: String) -> String { folder + "/labels.csv" }

  /// The files that a folder's list names as images; nil where there is no such list, whatever else is called so.
  static func listed(in folder: String) -> Set<String>? {
    guard let rows = try? CSV.rows(at: list(in: folder)), rows.first?["file"] != nil else { return nil }
    return Set(rows.compactMap { $0["file"] })
  }

  /// An image of a folder, with the names of its object's diagnostic parts if a list tells them.
  private typealias Entry = (file: String, target: Int, diagnostic: String)

  private static func listed(in labels: String, _ classes: ClassList) throws -> [Entry] {
    let rows = try CSV.rows(at: labels)
    // `pullbacks scenes --export` writes names into the column class, and numbers into label.
    let candidates = ["class", "label", "imagenet_class", "wordnet"].filter { rows.first?[$0] != nil }
    guard let columns = rows.first, columns["file"] != nil, let first = candidates.first else {
      throw PullbackError(
        .data, labels, "expected a column file and one of class, label, imagenet_class or wordnet, and at least one row"
      )
    }
    let classColumn = candidates.first { $0 != "wordnet" && columns[$0].flatMap { Int($0) } != nil } ?? first
    var seen: Set<[String]> = []
    return try rows.enumerated().map { index, row in
      let label = row[classColumn] ?? ""
      let target = classColumn == "wordnet" ? classes.index(wordNetID: label) : classes.index(label)
      guard let file = row["file"], !file.isEmpty, let target else {
        throw PullbackError(
          .data, labels, "row \(index + 1): expected a file and one of \(classes.inWords), found \(quoted(label))")
      }
      // An image may have several classes, and each is scored; the same class twice would count as two images.
      guard seen.insert([file, "\(target)"]).inserted else {
        throw PullbackError(
          .data, labels, "row \(index + 1): \(quoted(file)) is listed twice with the class \(target)",
          advice: "leave one out")
      }
      return (file, target, row["diagnostic parts"] ?? "")
    }.sorted { $0.file < $1.file }
  }

  private static func inClassFolders(_ path: String, _ classes: ClassList) throws -> [Entry] {
    var entries: [Entry] = []
    for name in try namesOfFiles(in: path) where isFolder("\(path)/\(name)") {
      guard let target = classes.index(name) else { continue }
      let pictures = try namesOfFiles(in: "\(path)/\(name)").filter { file in
        Photograph.fileNameEndings.contains((file as NSString).pathExtension.lowercased())
      }
      let masks = try MaskFiles.Listing(of: "\(path)/\(name)").masks(among: pictures)
      entries += pictures.filter { !masks.contains($0) }.map { ("\(name)/\($0)", target, "") }
    }
    guard !entries.isEmpty else {
      throw PullbackError(
        .data, path, "holds neither a labels.csv nor folders named by WordNet ids with images in them",
        advice: "lay it out as n01440764/name.JPEG, or write a labels.csv with the columns file and class")
    }
    return entries
  }
}

/// The classes that a network tells apart, as labels of images name them.
public struct ClassList: Sendable {
  /// The number of classes.
  public let count: Int
  /// The names of the classes, in the order of the logits; nil if they are not known.
  public let names: [String]?

  /// - Precondition: there are as many names, if any.
  public init(count: Int, names: [String]? = nil) {
    precondition(names.map { $0.count == count } ?? true, "\(count) classes")
    (self.count, self.names) = (count, names)
  }

  public static let imageNet = ClassList(count: ImageNetClasses.all.count, names: ImageNetClasses.all.map(\.name))

  /// The class of a WordNet id; nil if it is none of them.
  func index(wordNetID id: String) -> Int? {
    guard let found = ImageNetClasses.named(wordNetID: id), let names else { return nil }
    // Two of ImageNet's classes may have one name: among all of them the number decides.
    if names.indices.contains(found.index), names[found.index] == found.name { return found.index }
    let named = names.indices.filter { names[$0] == found.name }
    return named.count == 1 ? named[0] : nil
  }

  /// The class that a label or the name of a folder means: its WordNet id, its name or its number.
  func index(_ name: String) -> Int? {
    if let index = index(wordNetID: name) { return index }
    if let index = Int(name), (0..<count).contains(index) { return index }
    let named = (names ?? []).indices.filter { names![$0] == name }
    return named.count == 1 ? named[0] : nil
  }

  /// For messages.
  var inWords: String {
    guard names != nil else { return "the classes 0 to \(count - 1)" }
    return (count == ImageNetClasses.all.count ? "ImageNet's classes" : "the classes 0 to \(count - 1)")
      + ", by number or name"
  }
}

extension [LabelledFile] {
  /// `count` of them, spread evenly; nil is all.
  ///
  /// - Parameter source: the source of the values, for the message.
  /// - Throws: `PullbackError` if there are fewer.
  func spread(_ count: Int?, of source: String) throws -> [LabelledFile] {
    guard let count else { return self }
    guard count <= self.count else {
      throw PullbackError(.usage, "samples \(count)", "there are \(self.count) images in \(source)")
    }
    return (0..<count).map { self[$0 * self.count / count] }
  }

  /// The first `count` of different classes, or as many as there are.
  public func ofDifferentClasses(_ count: Int) -> [LabelledFile] {
    var seen: Set<Int> = []
    return Array(filter { seen.insert($0.target).inserted }.prefix(count))
  }
}

/// Comma-separated values with a header line.
package enum CSV {
  /// The rows of the file at `path`, each by the names of its columns.
  ///
  /// - Throws: `PullbackError` if there is no such file or it is not UTF-8 text in that form.
  package static func rows(at path: String) throws -> [[String: String]] {
    let bytes = try InputFile.bytes(of: path, limit: 1 << 30)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PullbackError(.data, path, "is not UTF-8 text")
    }
    return try rows(of: text, path)
  }

  /// The rows of a text.
  ///
  /// - Parameter path: the path of the source, for messages.
  static func rows(of text: String, _ path: String) throws -> [[String: String]] {
    var text = text.replacingOccurrences(of: "\r\n", with: "\n")
    if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
    let table: NamedCSV
    do {
      table = try NamedCSV(string: text, delimiter: .comma)
    } catch {
      throw PullbackError(.data, path, "is not comma-separated text with a header line: \(error)")
    }
    guard Set(table.header).count == table.header.count else {
      throw PullbackError(.data, path, "two columns have the same name: \(table.header.joined(separator: ", "))")
    }
    // Empty lines at the end are rows to the parser.
    return table.rows.filter { row in row.values.contains { !$0.isEmpty } }
  }
}
