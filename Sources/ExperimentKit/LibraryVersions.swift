import CCairo
import COpenBLAS
import CPNG
import Kernels

/// The versions of the libraries that numbers and pictures depend on, as they are loaded.
public enum LibraryVersions {
  public static var all: [String: String] {
    ["OpenBLAS": "\(openBLAS), \(blasCoreName()) kernels", "Cairo": cairo, "libpng": libpng]
  }

  static var openBLAS: String {
    String(cString: openblas_get_config()).split(separator: " ").dropFirst().first.map(String.init) ?? "unknown"
  }

  static var cairo: String { String(cString: cairo_version_string()) }

  static var libpng: String { String(cString: png_get_libpng_ver(nil)) }
}
