import Failures

/// The head of an array file: magic, version, length, and a Python dictionary literal such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
struct NPYHeader {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// NumPy's own limit on what it reads.
  private static let maximumLength = 10_000
  private static let maximumRank = 64

  let shape: [Int]
  /// The length of the whole head.
  let byteCount: Int
  let dataByteCount: Int

  init(reading file: borrowing InputFile) throws {
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
    shape = try Self.shape(in: entries, refuse)
    byteCount = offset + length
    dataByteCount = try Self.byteCount(of: shape, refuse)
  }

  private static func shape(
    in entries: [String: PythonLiteral.Value], _ refuse: (String, String?) -> PullbackError
  ) throws -> [Int] {
    guard entries.keys.sorted() == ["descr", "fortran_order", "shape"] else {
      throw refuse("expected the keys 'descr', 'fortran_order' and 'shape', found \(entries.keys.sorted())", nil)
    }
    guard case .string(let type) = entries["descr"] else {
      throw refuse("expected float32 ('<f4'), found a structured type", "save with numpy.float32")
    }
    guard type == "<f4" else {
      throw refuse("expected float32 ('<f4'), found '\(type)'", "save with numpy.float32")
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
    return axes
  }

  /// The bytes of data under `shape`, which is not to be trusted.
  private static func byteCount(of shape: [Int], _ refuse: (String, String?) -> PullbackError) throws -> Int {
    var count = MemoryLayout<Float>.size
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
