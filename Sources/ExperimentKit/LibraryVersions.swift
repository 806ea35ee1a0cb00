import CCairo
import CImaging
import COpenSSL
import CPNG
import Kernels

/// The version of this package.
public let packageVersion = "0.1.0"

/// The versions of the libraries that numbers and pictures depend on, as they are loaded.
public enum LibraryVersions {
  public static var all: [String: String] {
    [
      "OpenBLAS": "\(openBLAS), \(blasCoreName()) kernels", "Cairo": cairo, "libpng": libpng, "libjpeg": libjpeg,
      "OpenSSL": openSSL,
    ]
  }

  static var openBLAS: String { second(of: blasConfiguration()) }

  /// The second word, after the library's name.
  private static func second(of text: String) -> String {
    text.split(separator: " ").dropFirst().first.map(String.init) ?? "unknown"
  }

  static var cairo: String { String(cString: cairo_version_string()) }

  static var libpng: String { String(cString: png_get_libpng_ver(nil)) }

  /// The headers' that this was compiled with: the library itself does not tell.
  static var libjpeg: String { String(cString: imaging_jpeg_version()) }

  static var openSSL: String { second(of: String(cString: OpenSSL_version(OPENSSL_VERSION))) }
}
