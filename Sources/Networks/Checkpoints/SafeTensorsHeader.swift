import Pullbacks

/// The JSON header of a safetensors file, read strictly: what its fixed grammar does not allow is an error.
///
///     { "__metadata__": {string: string}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ... }
struct SafeTensorsHeader {
  struct Field {
    var name: String
    var dtype: ScalarType
    var shape: [Int]
    /// The tensor's bytes, counted from the end of the header.
    var offsets: Range<Int>
  }

  /// Several times what the largest networks have; the bound keeps a hostile header's cost below a second.
  static let mostTensors = 200_000

  /// The tensors in the header's order.
  private(set) var fields: [Field] = []
  private(set) var metadata: [String: String] = [:]
  private var scanner: JSONScanner

  /// - Parameter text: the header, which may be padded with spaces at its end.
  init(text: UnsafeRawBufferPointer, of file: MappedFile) throws {
    scanner = JSONScanner(text: text, file: file)
    var names: Set<String> = []
    try readObject { header, name in
      guard names.insert(name).inserted else { throw file.malformed("the header names \(quoted(name)) twice") }
      if name == "__metadata__" {
        try header.readMetadata()
      } else {
        guard header.fields.count < Self.mostTensors else {
          throw file.malformed("the header lists more than \(Self.mostTensors) tensors")
        }
        header.fields.append(try header.readField(name))
      }
    }
    try scanner.expectEnd()
  }

  private mutating func readMetadata() throws {
    try readObject { header, key in
      guard header.metadata[key] == nil else {
        throw header.scanner.file.malformed("the metadata names \(quoted(key)) twice")
      }
      header.metadata[key] = try header.scanner.string()
    }
  }

  private mutating func readField(_ name: String) throws -> Field {
    let file = scanner.file
    var dtype: ScalarType?
    var shape: [Int]?
    var offsets: [Int]?
    try readObject { header, key in
      switch key {
      case "dtype" where dtype == nil:
        let text = try header.scanner.string()
        dtype = ScalarType.allCases.first { $0.safeTensorsName == text }
        if dtype == nil { throw file.malformed("tensor \(quoted(name)) has the unknown type \(quoted(text))") }
      case "shape" where shape == nil: shape = try header.readNumbers(atMost: 64)
      case "data_offsets" where offsets == nil: offsets = try header.readNumbers(atMost: 2)
      default: throw file.malformed("tensor \(quoted(name)) has the unexpected field \(quoted(key))")
      }
    }
    guard let dtype, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
      throw file.malformed("tensor \(quoted(name)) lacks its dtype, its shape or an ordered pair of data_offsets")
    }
    return Field(name: name, dtype: dtype, shape: shape, offsets: offsets[0]..<offsets[1])
  }

  private mutating func readObject(_ member: (inout Self, String) throws -> Void) throws {
    try scanner.expect("{")
    if scanner.skip("}") { return }
    repeat {
      let key = try scanner.string()
      try scanner.expect(":")
      try member(&self, key)
    } while scanner.skip(",")
    try scanner.expect("}")
  }

  private mutating func readNumbers(atMost limit: Int) throws -> [Int] {
    var numbers: [Int] = []
    try scanner.expect("[")
    if scanner.skip("]") { return numbers }
    repeat {
      guard numbers.count < limit else { throw scanner.unexpected("more than \(limit) numbers") }
      numbers.append(try scanner.number())
    } while scanner.skip(",")
    try scanner.expect("]")
    return numbers
  }
}
