import Failures
import Pullbacks

/// NumPy's array files (NEP 1), for tensors: little-endian float32 in row-major order.
///
/// Reads format versions 1, 2 and 3; writes the bytes that `numpy.save` writes.
public enum NPY {
  /// Reads the array in the file at `path`.
  ///
  /// - Throws: `PullbackError` of kind `noInput` if there is no such file, `data` if it is not an array of float32 in
  ///   row-major order or its length does not agree with its shape.
  public static func read(_ path: String) throws -> Tensor { try read(InputFile(path)) }

  /// Reads the array in a file of which nothing was read yet.
  ///
  /// - Throws: as ``read(_:)``.
  public static func read(_ file: borrowing InputFile) throws -> Tensor {
    let header = try NPYHeader(reading: file)
    let length = file.size - header.byteCount
    guard length == header.dataByteCount else {
      throw PullbackError(
        .data, file.path,
        "expected \(header.dataByteCount) bytes of data for the shape \(header.shape), found \(length)")
    }
    return try Tensor(shape: header.shape) { try file.read(into: UnsafeMutableRawBufferPointer($0)) }
  }

  /// Reads the array of floats or of integers in a file of which nothing was read yet; integers and booleans become
  /// int64, of 64 bits those with a sign alone.
  ///
  /// - Throws: as ``read(_:)``.
  public static func readNumbers(_ file: borrowing InputFile) throws -> Tensor {
    let header = try NPYHeader(reading: file, integers: true)
    let length = file.size - header.byteCount
    guard length == header.dataByteCount else {
      throw PullbackError(
        .data, file.path,
        "expected \(header.dataByteCount) bytes of data for the shape \(header.shape), found \(length)")
    }
    switch header.element {
    case .float32: return try Tensor(shape: header.shape) { try file.read(into: UnsafeMutableRawBufferPointer($0)) }
    case .int64: return Tensor(shape: header.shape, integers: try integers(Int64.self, file, length))
    case .int32: return Tensor(shape: header.shape, integers: try integers(Int32.self, file, length))
    case .int16: return Tensor(shape: header.shape, integers: try integers(Int16.self, file, length))
    case .int8: return Tensor(shape: header.shape, integers: try integers(Int8.self, file, length))
    case .uint32: return Tensor(shape: header.shape, integers: try integers(UInt32.self, file, length))
    case .uint16: return Tensor(shape: header.shape, integers: try integers(UInt16.self, file, length))
    case .uint8, .bool: return Tensor(shape: header.shape, integers: try integers(UInt8.self, file, length))
    }
  }

  private static func integers<Stored: FixedWidthInteger & BitwiseCopyable>(
    _: Stored.Type, _ file: borrowing InputFile, _ length: Int
  ) throws -> [Int64] {
    let count = length / MemoryLayout<Stored>.size
    let stored = try [Stored](unsafeUninitializedCapacity: count) { buffer, initialized in
      try file.read(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])))
      initialized = count
    }
    return stored.map { Int64($0) }
  }

  /// Whether a file of which nothing was read yet begins as an array does; nothing is read of it then, either.
  public static func isArray(_ file: borrowing InputFile) throws -> Bool {
    guard file.size >= NPYHeader.magic.count else { return false }
    defer { file.rewind() }
    return try file.read(NPYHeader.magic.count) == NPYHeader.magic
  }

  /// The shape of the array at `path` and its first `count` values; nil if it has fewer or is no array that is read.
  public static func start(of path: String, count: (_ shape: [Int]) -> Int) -> (shape: [Int], values: [Float])? {
    guard let file = try? InputFile(path), let header = try? NPYHeader(reading: file) else { return nil }
    let count = count(header.shape)
    guard count >= 0, count * MemoryLayout<Float>.size <= header.dataByteCount,
      header.byteCount + header.dataByteCount == file.size
    else { return nil }
    let values = try? [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      try file.read(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])))
      initialized = count
    }
    return values.map { (header.shape, $0) }
  }

  /// The first bytes of the file of an array of float32, before its values.
  ///
  /// - Throws: `PullbackError` of kind `usage` for more than NumPy's 64 axes.
  public static func head(shape: [Int]) throws -> [UInt8] { try NPYHeader.bytes(for: shape) }

  /// Writes `tensor` to `path`, whole or not at all.
  ///
  /// - Throws: `PullbackError` as `AtomicFile` does, and of kind `usage` for more than NumPy's 64 axes.
  public static func write(_ tensor: Tensor, to path: String) throws {
    try write(shape: tensor.shape, to: path) { append in try append(tensor) }
  }

  /// Writes an array that comes in parts, in row-major order: it need not be in memory as a whole.
  ///
  /// - Throws: as ``write(_:to:)``, and whatever `content` throws; then no file is left.
  /// - Precondition: the parts have as many elements as `shape`.
  public static func write(
    shape: [Int], to path: String, _ content: (_ append: (Tensor) throws -> Void) throws -> Void
  ) throws {
    let header = try NPYHeader.bytes(for: shape)
    var count = 0
    try AtomicFile.write(to: path) { sink in
      try header.withUnsafeBytes { try sink($0) }
      try withoutActuallyEscaping(sink) { sink in
        try content { part in
          count += part.count
          try part.withUnsafeBuffer { try sink(UnsafeRawBufferPointer($0)) }
        }
      }
      precondition(count == shape.reduce(1, *), "\(count) elements for an array of shape \(shape)")
    }
  }
}

/// The head of an array file: magic, version, length, and a Python dictionary literal such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
struct NPYHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// NumPy's own limit on what it reads.
  private static let maximumLength = 10_000
  private static let maximumRank = 64

  /// The type of the elements, by NumPy's name; all of them little-endian.
  enum Element: String {
    case float32 = "<f4"
    case int64 = "<i8"
    case int32 = "<i4"
    case int16 = "<i2"
    case int8 = "|i1"
    case uint32 = "<u4"
    case uint16 = "<u2"
    case uint8 = "|u1"
    case bool = "|b1"

    var byteCount: Int {
      switch self {
      case .int64: 8
      case .float32, .int32, .uint32: 4
      case .int16, .uint16: 2
      case .int8, .uint8, .bool: 1
      }
    }
  }

  let element: Element
  let shape: [Int]
  /// The length of the whole head.
  let byteCount: Int
  let dataByteCount: Int

  /// - Parameter integers: whether integers will do, beside float32.
  init(reading file: borrowing InputFile, integers: Bool = false) throws {
    let path = file.path
    func refuse(_ problem: String, _ advice: String? = nil) -> PullbackError {
      PullbackError(.data, path, problem, advice: advice)
    }
    guard file.size >= 10 else { throw refuse("expected a NumPy array, found a file of \(file.size) bytes") }
    let start = try file.read(10)
    guard start.starts(with: Self.magic) else {
      throw refuse("expected a NumPy array, found a file of another kind", "save it with numpy.save")
    }
    guard (1...3).contains(start[6]) else {
      throw refuse("expected version 1, 2 or 3 of the format, found \(start[6])")
    }
    // Version 1 has a length of two bytes, the later ones of four.
    var length = Int(start[8]) | Int(start[9]) << 8
    var offset = 10
    if start[6] > 1 {
      guard file.size >= 12 else { throw refuse("expected a header, found the end of the file") }
      let rest = try file.read(2)
      length |= Int(rest[0]) << 16 | Int(rest[1]) << 24
      offset = 12
    }
    guard length <= Self.maximumLength, offset + length <= file.size else {
      throw refuse("expected a header of at most \(min(Self.maximumLength, file.size - offset)) bytes, found \(length)")
    }
    var literal = PythonLiteral(try file.read(length))
    guard let value = literal.parse(), case .dictionary(let entries) = value else {
      throw refuse("expected a header that is a Python dictionary, found a malformed one")
    }
    (element, shape) = try Self.content(of: entries, integers: integers, refuse)
    byteCount = offset + length
    dataByteCount = try Self.byteCount(of: shape, element, refuse)
  }

  private static func content(
    of entries: [String: PythonLiteral.Value], integers: Bool, _ refuse: (String, String?) -> PullbackError
  ) throws -> (Element, [Int]) {
    guard entries.keys.sorted() == ["descr", "fortran_order", "shape"] else {
      throw refuse("expected the keys 'descr', 'fortran_order' and 'shape', found \(entries.keys.sorted())", nil)
    }
    guard case .string(let type) = entries["descr"] else {
      throw refuse("expected float32 ('<f4'), found a structured type", "save with numpy.float32")
    }
    guard let element = Element(rawValue: type), integers || element == .float32 else {
      throw refuse(
        "expected float32 ('<f4')\(integers ? " or integers" : ""), found '\(type)'", "save with numpy.float32")
    }
    guard case .boolean(let isColumnMajor) = entries["fortran_order"] else {
      throw refuse("expected True or False for 'fortran_order'", nil)
    }
    guard case .tuple(let axes) = entries["shape"], axes.count <= maximumRank else {
      throw refuse("expected a tuple of at most \(maximumRank) sizes for 'shape'", nil)
    }
    if isColumnMajor {
      throw refuse("expected row-major (C) order, found column-major (Fortran)", "save numpy.ascontiguousarray(a)")
    }
    return (element, axes)
  }

  /// The bytes of data under `shape`, which is not to be trusted.
  private static func byteCount(
    of shape: [Int], _ element: Element, _ refuse: (String, String?) -> PullbackError
  ) throws -> Int {
    var count = element.byteCount
    // An axis of zero empties the array, but the product of the others must still be a number, as NumPy demands.
    for extent in shape where extent > 0 {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw refuse("expected a shape that fits memory, found \(shape)", nil) }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }

  /// The head that `numpy.save` writes: version 1, with spare room for the first axis to grow to 21 digits, padded with
  /// spaces to a multiple of 64 bytes.
  static func bytes(for shape: [Int]) throws -> [UInt8] {
    guard shape.count <= maximumRank else {
      throw PullbackError(.usage, "tensor", "expected at most \(maximumRank) axes, found \(shape.count)")
    }
    let axes = shape.count == 1 ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
    var text = "{'descr': '<f4', 'fortran_order': False, 'shape': \(axes), }"
    if let first = shape.first { text += String(repeating: " ", count: 21 - String(first).count) }
    let prefix = magic.count + 4
    text += String(repeating: " ", count: 64 - (prefix + text.utf8.count + 1) % 64) + "\n"
    let length = text.utf8.count
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
  }
}

/// A reader of the few Python literals that NumPy writes into a header: a dictionary from strings to strings, booleans
/// and tuples of non-negative integers. A list of anything (a structured type) is skipped over.
struct PythonLiteral {
  indirect enum Value {
    case string(String)
    case boolean(Bool)
    case tuple([Int])
    case list
    case dictionary([String: Value])
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The one literal that the bytes hold, surrounded by nothing but white space; nil if they hold anything else.
  mutating func parse() -> Value? {
    guard let value = dictionary() else { return nil }
    skipSpace()
    return position == bytes.count ? value : nil
  }

  private mutating func dictionary() -> Value? {
    guard take("{") else { return nil }
    var entries: [String: Value] = [:]
    while !take("}") {
      guard let key = string(), take(":"), let value = value(), entries.updateValue(value, forKey: key) == nil else {
        return nil
      }
      if take(",") { continue }
      guard take("}") else { return nil }
      break
    }
    return .dictionary(entries)
  }

  private mutating func value() -> Value? {
    if let text = string() { return .string(text) }
    if take("True") { return .boolean(true) }
    if take("False") { return .boolean(false) }
    if take("(") { return tuple() }
    return take("[") ? list() : nil
  }

  /// After the opening parenthesis. `(3)` is a number and no tuple, `(3,)` is one; `()` has no axes.
  private mutating func tuple() -> Value? {
    var numbers: [Int] = []
    var endsInComma = true
    while !take(")") {
      guard endsInComma, let number = integer() else { return nil }
      numbers.append(number)
      endsInComma = take(",")
    }
    return numbers.count == 1 && !endsInComma ? nil : .tuple(numbers)
  }

  /// After the opening bracket: everything up to its partner, for the sake of a clear message.
  private mutating func list() -> Value? {
    var depth = 1
    while depth > 0, position < bytes.count {
      if bytes[position] == UInt8(ascii: "[") { depth += 1 }
      if bytes[position] == UInt8(ascii: "]") { depth -= 1 }
      position += 1
    }
    return depth == 0 ? .list : nil
  }

  private mutating func integer() -> Int? {
    skipSpace()
    let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    position = digits.endIndex
    let number = Int(String(decoding: digits, as: UTF8.self))
    // Python 2 wrote long integers with an L.
    if number != nil && position < bytes.count && bytes[position] == UInt8(ascii: "L") { position += 1 }
    return number
  }

  private mutating func string() -> String? {
    skipSpace()
    guard position < bytes.count else { return nil }
    let quote = bytes[position]
    guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
    let text = bytes[(position + 1)...].prefix { $0 != quote }
    guard text.endIndex < bytes.count else { return nil }
    position = text.endIndex + 1
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func take(_ token: StaticString) -> Bool {
    skipSpace()
    let token = UnsafeBufferPointer(start: token.utf8Start, count: token.utf8CodeUnitCount)
    guard bytes[position...].starts(with: token) else { return false }
    position += token.count
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }
}
