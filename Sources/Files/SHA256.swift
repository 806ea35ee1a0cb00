import COpenSSL
import Pullbacks

/// The SHA-256 of `bytes` in hexadecimal, about a second per gigabyte.
///
/// - Throws: ``PullbackError`` of kind `software` if OpenSSL refuses to compute it.
public func sha256(_ bytes: UnsafeRawBufferPointer) throws -> String {
  var digest = [UInt8](repeating: 0, count: 32)
  guard EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil) == 1 else {
    throw PullbackError(.software, "SHA-256", "OpenSSL could not compute it")
  }
  return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
