import Failures
import Foundation
import Networks
import SwiftCSV

/// An image file and its class.
public struct LabelledFile: Equatable, Sendable {
  /// Where the file lies.
  public let path: String
  /// What it is called in records.
  public let name: String
  /// The class, as the place of its logit.
  public let target: Int
  /// What is shown of it.
  public let framing: Framing

  /// What is shown of a file.
  public enum Framing: Sendable {
    /// The middle of the photograph.
    case middle
    /// The whole photograph on a mid-grey square; its opacity is the mask of its object.
    case objectOnGray
  }

  /// - Parameters:
  ///   - path: where the file lies.
  ///   - name: what it is called in records.
  ///   - target: the class.
  ///   - framing: what is shown of it.
  public init(path: String, name: String, target: Int, framing: Framing = .middle) {
    (self.path, self.name, self.target, self.framing) = (path, name, target, framing)
  }

  /// The labelled images of a folder, in the order of their names: a `labels.csv` in it says which classes they are of,
  /// or a folder for each class, named by its WordNet id (as ImageNet and Imagenette are laid out).
  ///
  /// - Throws: `PullbackError` if there is no such folder, or nothing in it says which class its images are of.
  public static func inFolder(_ folder: String) throws -> [LabelledFile] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw PullbackError(.noInput, folder, "is not a folder", advice: "name the folder of your images")
    }
    let labels = folder + "/labels.csv"
    let entries =
      try FileManager.default.fileExists(atPath: labels) ? listed(in: labels) : inClassFolders(folder)
    return entries.map { LabelledFile(path: "\(folder)/\($0.file)", name: $0.file, target: $0.target) }
  }

  private static func listed(in labels: String) throws -> [(file: String, target: Int)] {
    let rows = try CSV.rows(at: labels)
    guard let columns = rows.first?.keys, columns.contains("file"),
      let classColumn = ["class", "imagenet_class", "wordnet"].first(where: columns.contains)
    else {
      throw PullbackError(
        .data, labels, "expected a column file and one of class, imagenet_class or wordnet, and at least one row")
    }
    return try rows.enumerated().map { index, row in
      let label = row[classColumn] ?? ""
      let target = classColumn == "wordnet" ? ImageNetClasses.named(wordNetID: label)?.index : Int(label)
      guard let file = row["file"], !file.isEmpty, let target, ImageNetClasses.all.indices.contains(target) else {
        throw PullbackError(
          .data, labels, "row \(index + 1): expected a file and one of ImageNet's classes, found \"\(label)\"")
      }
      return (file, target)
    }.sorted { $0.file < $1.file }
  }

  private static func inClassFolders(_ path: String) throws -> [(file: String, target: Int)] {
    var entries: [(file: String, target: Int)] = []
    for folder in try namesOfFiles(in: path) {
      guard let target = ImageNetClasses.named(wordNetID: folder)?.index else { continue }
      for file in try namesOfFiles(in: "\(path)/\(folder)") {
        let ending = (file as NSString).pathExtension.lowercased()
        if ["jpg", "jpeg", "png"].contains(ending) { entries.append(("\(folder)/\(file)", target)) }
      }
    }
    guard !entries.isEmpty else {
      throw PullbackError(
        .data, path, "holds neither a labels.csv nor folders named by WordNet ids with images in them",
        advice: "lay it out as n01440764/name.JPEG, or write a labels.csv with the columns file and class")
    }
    return entries
  }
}

extension [LabelledFile] {
  /// `count` of them, spread evenly; nil is all.
  ///
  /// - Parameter source: where they are from, for the message.
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
    guard let data = FileManager.default.contents(atPath: path) else {
      throw PullbackError(.noInput, path, "cannot be read")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw PullbackError(.data, path, "is not UTF-8 text")
    }
    return try rows(of: text, path)
  }

  /// The rows of a text.
  ///
  /// - Parameter path: where it is from, for messages.
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
