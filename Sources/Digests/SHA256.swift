import COpenSSL
import Failures
import Foundation

/// The SHA-256 of the file at `path` in hexadecimal.
///
/// - Throws: `PullbackError` as ``InputFile`` does.
public func sha256(ofFileAt path: String) throws -> String {
  let file = try InputFile(path)
  guard file.size > 0 else { return try sha256(UnsafeRawBufferPointer(start: nil, count: 0)) }
  let bytes = try file.copy()
  defer { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
  return try sha256(bytes)
}

/// The SHA-256 of `bytes` in hexadecimal, about a second per gigabyte.
///
/// - Throws: `PullbackError` of kind `software` if OpenSSL refuses to compute it.
public func sha256(_ bytes: UnsafeRawBufferPointer) throws -> String {
  try digest(bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The SHA-256 of `bytes` in base 64, as web pages have it.
///
/// - Throws: as ``sha256(_:)``.
public func sha256Base64(_ bytes: UnsafeRawBufferPointer) throws -> String {
  Data(try digest(bytes)).base64EncodedString()
}

private func digest(_ bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
  var digest = [UInt8](repeating: 0, count: 32)
  guard EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil) == 1 else {
    throw PullbackError(.software, "SHA-256", "OpenSSL could not compute it")
  }
  return digest
}
