import ArgumentParser
import CCairo
import CImaging
import COpenSSL
import CPNG
import Foundation
import Kernels
import Processes

/// The computer, as far as numbers and times depend on it.
enum Machine {
  /// The processor's name.
  static var processor: String { value("model name") ?? "unknown" }

  /// The vector instructions it has, of those that the kernels tell apart.
  static var features: [String] {
    let flags = Set((value("flags") ?? value("Features") ?? "").split(separator: " ").map(String.init))
    return ["sse4_2", "avx", "avx2", "fma", "avx512f", "avx512vl", "amx_tile", "asimd", "sve"].filter(flags.contains)
  }

  static var threads: Int { ProcessInfo.processInfo.activeProcessorCount }
  static var memory: UInt64 { ProcessInfo.processInfo.physicalMemory }

  /// All that times depend on, for a credit line.
  static var description: String {
    let gigabytes = Int((Double(memory) / 1e9).rounded())
    return "\(processor) (\(features.joined(separator: ", "))), \(threads) threads, \(gigabytes) GB of memory, "
      + "OpenBLAS \(LibraryVersions.all["OpenBLAS"] ?? "unknown")"
  }

  private static func value(_ key: String) -> String? {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let line = lines.first { $0.split(separator: ":").first?.trimmingCharacters(in: .whitespaces) == key }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
  }
}

/// The versions of the libraries that numbers and pictures depend on, as they are loaded.
public enum LibraryVersions {
  public static var all: [String: String] {
    [
      "OpenBLAS": "\(openBLAS), \(blasCoreName()) kernels", "Cairo": cairo, "libpng": libpng, "libjpeg": libjpeg,
      "libwebp": libwebp, "OpenSSL": openSSL,
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

  static var libwebp: String {
    let version = Int(imaging_webp_version())
    return "\(version >> 16).\(version >> 8 & 0xFF).\(version & 0xFF)"
  }

  static var openSSL: String { second(of: String(cString: OpenSSL_version(OPENSSL_VERSION))) }
}

/// The clock that times are read from.
public enum Stopwatch: String, Codable, ExpressibleByArgument, Sendable {
  case wall
  /// Processor time of this process over all its threads.
  case cpu

  private var now: Double {
    switch self {
    case .wall: return Double(DispatchTime.now().uptimeNanoseconds) * 1e-9
    case .cpu:
      var time = timespec()
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
  }

  /// Seconds that `body` takes.
  public func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = now
    try body()
    return now - start
  }

  /// The least time of a call among those that fit into `limit` seconds, three at least if not said otherwise: what else
  /// the machine does makes a call slower, never faster.
  public func least(within limit: Double, atLeast calls: Int = 3, _ body: () throws -> Void) rethrows -> Double {
    let end = Date.now.addingTimeInterval(limit)
    var least = Double.infinity
    var count = 0
    while count < calls || Date.now < end {
      least = min(least, try seconds(body))
      count += 1
    }
    return least
  }

  /// The least times of two calls that take turns, so that what else the machine does slows both: three turns at least, or
  /// as many as begin within `limit` seconds.
  public func leastByTurns(
    within limit: Double, _ first: () throws -> Void, and second: () throws -> Void
  ) rethrows -> (Double, Double) {
    let end = Date.now.addingTimeInterval(limit)
    var least = (Double.infinity, Double.infinity)
    var turns = 0
    while turns < 3 || Date.now < end {
      least = (min(least.0, try seconds(first)), min(least.1, try seconds(second)))
      turns += 1
    }
    return least
  }

  /// Times of one call after the other: `count`, or as many as fit into `limit` seconds, three at least.
  func times(_ count: Int, within limit: Double, _ body: () throws -> Void) rethrows -> [Double] {
    let end = Date.now.addingTimeInterval(limit)
    var times: [Double] = []
    while times.count < 3 || (times.count < count && Date.now < end) { times.append(try seconds(body)) }
    return times
  }
}

/// The output of this program when it is run with other arguments, without the space around it; nil if it fails.
public func output(ofThisProgramWith arguments: [String]) -> String? {
  output(of: [URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path] + arguments)
}

/// The output of the program `command[0]`, without the space around it; nil if it is not there or fails.
func output(of command: [String]) -> String? {
  let output = Pipe()
  guard
    let process = try? ChildProcess(command[0], Array(command.dropFirst()), output: output.fileHandleForWriting),
    (try? output.fileHandleForWriting.close()) != nil
  else { return nil }
  let data = output.fileHandleForReading.readDataToEndOfFile()
  guard process.wait().code == 0 else { return nil }
  return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}
