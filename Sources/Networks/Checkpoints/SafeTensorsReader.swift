import Pullbacks

/// Reads the safetensors format: the header's length as 64 bits, the header in JSON, then the tensors' bytes, which
/// the header must cover without holes or overlaps.
///
/// Source: https://github.com/huggingface/safetensors, section "Format".
enum SafeTensorsReader {
  /// Longer headers are refused by every reader of the format.
  static let longestHeader = 100_000_000

  static func recognizes(_ file: MappedFile) -> Bool {
    guard file.holds([UInt8(ascii: "{")], at: 8), let length = try? file.load(UInt64.self, at: 0) else { return false }
    return length >> 40 == 0
  }

  static func read(_ file: MappedFile) throws -> CheckpointContent {
    let length = Int(clamping: try file.load(UInt64.self, at: 0))
    guard length <= longestHeader, length <= file.count - 8 else {
      throw file.malformed(
        "a header of \(length) bytes is announced, and the file has \(file.count - 8) after the announcement")
    }
    let data = 8 + length
    let header = try SafeTensorsHeader(text: try file.bytes(in: 8..<data), of: file)

    // In the order of their bytes, each tensor must begin where the one before it ends.
    var end = 0
    let inOrder = header.fields.sorted {
      ($0.offsets.lowerBound, $0.offsets.upperBound) < ($1.offsets.lowerBound, $1.offsets.upperBound)
    }
    for field in inOrder {
      guard field.offsets.lowerBound == end else {
        throw file.malformed(
          "tensor \(quoted(field.name)) begins at byte \(field.offsets.lowerBound) of the data, not at \(end)")
      }
      end = field.offsets.upperBound
    }
    guard end == file.count - data else {
      throw file.malformed("the tensors cover \(end) bytes of data, and the file has \(file.count - data)")
    }
    let tensors = try header.fields.map { field in
      try StoredTensor(
        TensorEntry(name: field.name, dtype: field.dtype, shape: field.shape),
        filling: data + field.offsets.lowerBound..<data + field.offsets.upperBound, of: file)
    }
    return CheckpointContent(format: .safeTensors, tensors: tensors, metadata: header.metadata)
  }
}
