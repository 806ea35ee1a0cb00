import CBridge
import Failures
import Foundation
import Pullbacks
import Subjects

// The functions that semantic_pullbacks.h declares and describes. Each is its own boundary: arguments are checked, and
// whatever is thrown becomes a code and a text.

@_cdecl("sp_version")
public func version() -> UnsafePointer<CChar> { versionText }

/// Made once, and never freed or changed.
private nonisolated(unsafe) let versionText = UnsafePointer<CChar>(strdup(packageVersion)!)

@_cdecl("sp_free_text")
public func freeText(_ text: UnsafeMutablePointer<CChar>?) { free(text) }

@_cdecl("sp_load")
public func load(
  _ source: UnsafePointer<CChar>?, _ options: UnsafePointer<sp_option>?, _ optionCount: Int,
  _ network: UnsafeMutablePointer<OpaquePointer?>?, _ error: TextPlace
) -> Int32 {
  reporting(to: error) {
    guard let network else { throw PullbackError(.usage, "network", "expected a place for it, found NULL") }
    let loaded = try LoadedNetwork(text(source, "source"), Options(options, count: optionCount))
    network.pointee = OpaquePointer(Unmanaged.passRetained(loaded).toOpaque())
  }
}

@_cdecl("sp_free")
public func freeNetwork(_ network: OpaquePointer?) {
  guard let network else { return }
  Unmanaged<LoadedNetwork>.fromOpaque(UnsafeRawPointer(network)).release()
}

@_cdecl("sp_input_shape")
public func inputShape(_ network: OpaquePointer?, _ extents: UnsafeMutablePointer<Int64>?, _ room: Int) -> Int {
  write((try? borrowed(network))?.subject.graph.inputShape ?? [], to: extents, room)
}

@_cdecl("sp_output_shape")
public func outputShape(_ network: OpaquePointer?, _ extents: UnsafeMutablePointer<Int64>?, _ room: Int) -> Int {
  write((try? borrowed(network))?.subject.graph.outputShape ?? [], to: extents, room)
}

@_cdecl("sp_describe")
public func describe(_ network: OpaquePointer?, _ json: TextPlace, _ error: TextPlace) -> Int32 {
  reporting(to: error) { try write(borrowed(network).description, to: json) }
}

@_cdecl("sp_list")
public func list(_ json: TextPlace, _ error: TextPlace) -> Int32 {
  reporting(to: error) { try write(Bridge.json(Offer()), to: json) }
}

@_cdecl("sp_picture")
public func picture(
  _ network: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ input: UnsafeMutablePointer<Float>?, _ error: TextPlace
) -> Int32 {
  reporting(to: error) {
    let network = try borrowed(network)
    guard let input else { throw PullbackError(.usage, "input", "expected room for it, found NULL") }
    copy(try network.picture(at: text(path, "path")), to: input, 0..<1, each: network.inputCount)
  }
}

@_cdecl("sp_predict")
public func predict(
  _ network: OpaquePointer?, _ inputs: UnsafePointer<Float>?, _ count: Int, _ outputs: UnsafeMutablePointer<Float>?,
  _ error: TextPlace
) -> Int32 {
  reporting(to: error) {
    let network = try borrowed(network)
    guard let outputs else { throw PullbackError(.usage, "outputs", "expected room for them, found NULL") }
    let tensor = try tensor(inputs, count, network)
    try withExtendedLifetime(network) {
      try network.predict(tensor) { rows, value in copy(value, to: outputs, rows, each: network.outputCount) }
    }
  }
}

@_cdecl("sp_explain")
public func explain(
  _ network: OpaquePointer?, _ inputs: UnsafePointer<Float>?, _ count: Int,
  _ targets: UnsafePointer<UnsafePointer<CChar>?>?, _ targetCount: Int, _ options: UnsafePointer<sp_option>?,
  _ optionCount: Int, _ attributions: UnsafeMutablePointer<Float>?, _ error: TextPlace
) -> Int32 {
  reporting(to: error) {
    let network = try borrowed(network)
    guard let attributions else { throw PullbackError(.usage, "attributions", "expected room for them, found NULL") }
    let tensor = try tensor(inputs, count, network)
    guard targetCount == 0 || targets != nil else {
      throw PullbackError(.usage, "targets", "expected \(targetCount) of them, found NULL")
    }
    guard 0...max(1, count) ~= targetCount else {
      throw PullbackError(.usage, "target", "expected one, or one for each of \(count) inputs, found \(targetCount)")
    }
    let texts = try (0..<targetCount).map { try text(targets![$0], "target of input \($0)") }
    try withExtendedLifetime(network) {
      try network.explain(tensor, texts, Options(options, count: optionCount)) { rows, maps in
        copy(maps, to: attributions, rows, each: network.inputCount)
      }
    }
  }
}

// MARK: Between C and Swift

/// Where a text goes.
public typealias TextPlace = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

/// Runs `body`; what it throws becomes a text at `place` and a code.
private func reporting(to place: TextPlace, _ body: () throws -> Void) -> Int32 {
  do {
    try body()
    return 0
  } catch {
    let error = error as? PullbackError ?? PullbackError(.software, "library", "\(error)")
    place?.pointee = strdup(withoutDashes(error.description))
    return error.exitCode
  }
}

/// A message without what only a command line has: `say it with --output-name` becomes `say it with output-name`.
private func withoutDashes(_ message: String) -> String {
  message.replacing(/(^|[ (])--(?=[a-z])/) { "\($0.1)" }
}

private func borrowed(_ network: OpaquePointer?) throws(PullbackError) -> LoadedNetwork {
  guard let network else { throw PullbackError(.usage, "network", "expected one, found NULL") }
  return Unmanaged<LoadedNetwork>.fromOpaque(UnsafeRawPointer(network)).takeUnretainedValue()
}

/// The caller's inputs, read where they lie.
private func tensor(_ inputs: UnsafePointer<Float>?, _ count: Int, _ network: LoadedNetwork) throws -> Tensor {
  guard count > 0, count <= Int.max / 4 / max(1, network.inputCount) else {
    throw PullbackError(.usage, "inputs", "expected at least one, found \(count)")
  }
  guard let inputs else { throw PullbackError(.usage, "inputs", "expected \(count) of them, found NULL") }
  return Tensor(shape: [count] + network.subject.graph.inputShape, borrowing: inputs, owner: network)
}

/// Copies what belongs to some rows to their place among all.
private func copy(_ tensor: Tensor, to place: UnsafeMutablePointer<Float>, _ rows: Range<Int>, each count: Int) {
  tensor.withUnsafeBuffer { (place + rows.lowerBound * count).update(from: $0.baseAddress!, count: $0.count) }
}

private func write(_ shape: [Int], to extents: UnsafeMutablePointer<Int64>?, _ room: Int) -> Int {
  if let extents { for (place, extent) in shape.prefix(max(0, room)).enumerated() { extents[place] = Int64(extent) } }
  return shape.count
}

private func write(_ text: String, to place: TextPlace) throws(PullbackError) {
  guard let place else { throw PullbackError(.usage, "json", "expected a place for it, found NULL") }
  place.pointee = strdup(text)
}
