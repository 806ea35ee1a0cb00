import Digests
import Failures
import Foundation
import SwiftProtobuf

/// A model's file and the folder of the data beside it. Everything in it is untrusted.
final class ModelFile {
  let path: String
  /// The model without the tensors of its graph.
  let model: Onnx_ModelProto
  private var tensors: [Onnx_TensorProto] = []
  private var neighbours: [String: Neighbour] = [:]
  private let digest: String

  /// The largest depth of nested messages.
  private static let depth = 60

  /// Reads and decodes the file at `path`.
  ///
  /// - Throws: `PullbackError` where it is no file, or no ONNX model.
  init(path: String) throws {
    self.path = path
    let file = try InputFile(path)
    guard file.size > 0 else {
      throw PullbackError(.data, path, "is empty", advice: "export the model again")
    }
    let mapped = try file.copy()
    var isMapped = true
    func unmap() {
      if isMapped { munmap(UnsafeMutableRawPointer(mutating: mapped.baseAddress!), mapped.count) }
      isMapped = false
    }
    defer { unmap() }
    digest = try Digests.sha256(mapped)
    if mapped.starts(with: "version https://git-lfs".utf8) {
      throw PullbackError(
        .data, path, "is a Git LFS pointer, not the model that it stands for", advice: "run git lfs pull")
    }
    do {
      let scan = try WireScan(mapped)
      guard scan.graphs.count <= 1 else {
        throw PullbackError(.data, path, "is no ONNX model: it has \(scan.graphs.count) graphs", advice: Self.advice)
      }
      var options = BinaryDecodingOptions()
      options.messageDepthLimit = Self.depth
      options.discardUnknownFields = true
      // A tensor's bytes are let go as soon as it is decoded, so that the weights are in memory once.
      for tensor in scan.tensors {
        let place = UnsafeMutableRawPointer(mutating: mapped.baseAddress! + tensor.content.lowerBound)
        let data = Data(bytesNoCopy: place, count: tensor.content.count, deallocator: .none)
        tensors.append(try Onnx_TensorProto(serializedBytes: data, options: options))
        letGo(mapped, tensor.content)
      }
      let rest = scan.withoutTensors()
      unmap()
      model = try Onnx_ModelProto(serializedBytes: rest, options: options)
    } catch let error as WireScan.Failure {
      throw PullbackError(.data, path, "is no ONNX model that can be read: \(error.problem)", advice: Self.advice)
    } catch let error as BinaryDecodingError {
      throw PullbackError(.data, path, "is no ONNX model: its bytes are no message (\(error))", advice: Self.advice)
    }
    guard model.hasGraph, model.irVersion > 0 else {
      throw PullbackError(.data, path, "is no ONNX model: it has no graph", advice: Self.advice)
    }
  }

  /// A file that holds no model, for messages.
  init(nameOnly path: String) { (self.path, model, digest) = (path, Onnx_ModelProto(), "") }

  /// The graph's tensors, which are then no longer held: each is let go when it is converted.
  func takeTensors() -> [Onnx_TensorProto] {
    defer { tensors = [] }
    return tensors
  }

  private static let advice = "export the model again, or download it again"

  /// An error about something in the file.
  func failure(_ subject: String, _ problem: String, advice: String? = nil) -> PullbackError {
    PullbackError(.data, "\(path): \(subject)", problem, advice: advice)
  }
}

/// Gives the whole pages of some bytes of a private copy back to the system.
private func letGo(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
  let page = Int(getpagesize())
  let first = (range.lowerBound + page - 1) / page * page
  let end = range.upperBound / page * page
  guard first < end else { return }
  madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress! + first), end - first, MADV_DONTNEED)
}

// MARK: Data beside the file

extension ModelFile {
  /// The SHA-256 of the file; with those of the files of weights that were read beside it, of all in order.
  func sha256() throws -> String {
    guard !neighbours.isEmpty else { return digest }
    let others = try neighbours.sorted { $0.key < $1.key }.map { try Digests.sha256($0.value.bytes) }
    return try Array(([digest] + others).joined().utf8).withUnsafeBytes { try Digests.sha256($0) }
  }

  /// A file of weights beside the model, mapped for as long as somebody holds it.
  private final class Neighbour {
    let bytes: UnsafeRawBufferPointer
    init(_ path: String) throws {
      let file = try InputFile(path)
      bytes = file.size == 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : try file.copy()
    }
    deinit { if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) } }
  }

  /// The bytes of a tensor that lie in another file of the model's folder.
  ///
  /// - Throws: `PullbackError` where the file lies elsewhere, or the bytes do not lie in it.
  func external(_ proto: Onnx_TensorProto, count: Int) throws -> () -> UnsafeRawBufferPointer {
    let subject = "tensor \(quoted(proto.name))"
    let entries = Dictionary(proto.externalData.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    guard let location = entries["location"], !location.isEmpty else {
      throw failure(subject, "its data lies in another file, which is not named")
    }
    func number(_ key: String, _ otherwise: Int) throws -> Int {
      guard let text = entries[key] else { return otherwise }
      guard let value = Int(text), value >= 0 else { throw failure(subject, "its \(key) \(quoted(text)) is no number") }
      return value
    }
    let (offset, length) = (try number("offset", 0), try number("length", count))
    let neighbour = try neighbour(location, subject)
    let (end, overflows) = offset.addingReportingOverflow(length)
    guard !overflows, end <= neighbour.bytes.count else {
      throw failure(
        subject,
        "bytes \(offset)..<\(offset &+ length) of \(quoted(location)) are asked for, and it has "
          + "\(neighbour.bytes.count)", advice: "copy the file of weights again")
    }
    guard length == count else {
      throw failure(subject, "expected \(count) bytes for its shape, found \(length) in \(quoted(location))")
    }
    return { UnsafeRawBufferPointer(rebasing: neighbour.bytes[offset..<end]) }
  }

  /// The file at a path relative to the model's folder, which it must not leave, by links neither.
  private func neighbour(_ location: String, _ subject: String) throws -> Neighbour {
    if let known = neighbours[location] { return known }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !location.contains("\\"), !location.utf8.contains(0), !parts.contains("..") else {
      throw failure(
        subject, "its data is said to lie in \(quoted(location)), which is not beside the model",
        advice: "data is read from the model's own folder alone")
    }
    let home = folder(of: path)
    let target = home + "/" + location
    guard let root = realpath(home, nil) else { throw failure(subject, "the model's folder cannot be found") }
    defer { free(root) }
    guard let found = realpath(target, nil) else {
      throw PullbackError(
        .noInput, "\(path): \(subject)", "its data lies in \(quoted(location)), which is missing",
        advice: "keep the model and its file of weights in one folder")
    }
    defer { free(found) }
    let inside = String(cString: root) == "/" ? "/" : String(cString: root) + "/"
    guard String(cString: found).hasPrefix(inside) else {
      throw failure(
        subject, "its data is said to lie in \(quoted(location)), which leads out of the model's folder",
        advice: "data is read from the model's own folder alone")
    }
    let neighbour = try Neighbour(target)
    neighbours[location] = neighbour
    return neighbour
  }
}
