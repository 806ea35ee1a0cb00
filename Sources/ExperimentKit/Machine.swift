import ArgumentParser
import CCairo
import CImaging
import COpenSSL
import CPNG
import Foundation
import Kernels

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

  private static func value(_ key: String) -> String? {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let line = lines.first { $0.split(separator: ":").first?.trimmingCharacters(in: .whitespaces) == key }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
  }
}

/// The version of this package.
public let packageVersion = "0.1.0"

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

/// The memory that this process takes, in bytes; NaN where the system does not tell.
public enum ProcessSize {
  public static var now: Double { bytes("VmRSS:") }

  /// Since the process began, or since ``forget()``.
  public static var largest: Double { bytes("VmHWM:") }

  /// The memory that the process may still take before the system refuses more: the least of its own limits on
  /// addresses and data, the limit of its control group, and the memory that the machine has left; nil if nothing is
  /// known.
  public static var available: Int? {
    var limits: [Int] = []
    var limit = rlimit()
    for (resource, use) in [(RLIMIT_AS, "VmSize:"), (RLIMIT_DATA, "VmData:")] {
      guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur < UInt64(Int.max) else {
        continue
      }
      let used = bytes(use)
      if used.isFinite { limits.append(Int(limit.rlim_cur) - Int(used)) }
    }
    let group = "/sys/fs/cgroup/memory"
    if let most = number(in: "\(group).max"), let used = number(in: "\(group).current") {
      // Pages of files that were read count as used, and are given up when memory runs short.
      limits.append(most - used + (line("inactive_file", of: "\(group).stat") ?? 0))
    }
    if let free = line("MemAvailable:", of: "/proc/meminfo") { limits.append(free * 1024) }
    return limits.min()
  }

  /// Lowers the number of threads if memory is short: beside its work each thread takes a stack and the 128 MB of
  /// OpenBLAS's buffer. Results do not depend on the number of threads.
  public static func spareThreads() {
    let each = 256 << 20
    guard let available, available < Parallel.most * each else { return }
    Parallel.threads = max(1, available / each)
  }

  private static func number(in path: String) -> Int? {
    (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
      Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }

  private static func line(_ field: String, of path: String) -> Int? {
    let lines = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
    let words = lines.lazy.map { $0.split(whereSeparator: \.isWhitespace) }
    return words.first { $0.first.map(String.init) == field }?.dropFirst().first.flatMap { Int($0) }
  }

  /// Lets the largest size begin anew from the present one; whether the system does so.
  static func forget() -> Bool {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return false }
    return (try? file.write(contentsOf: Data("5".utf8))) != nil
  }

  private static func bytes(_ field: String) -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
    let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
    return (kilobytes ?? .nan) * 1024
  }
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

  /// The least time of a call among those that fit into `limit` seconds, three at least: what else the machine does
  /// makes a call slower, never faster.
  public func least(within limit: Double, _ body: () throws -> Void) rethrows -> Double {
    let end = Date.now.addingTimeInterval(limit)
    var least = Double.infinity
    var count = 0
    while count < 3 || Date.now < end {
      least = min(least, try seconds(body))
      count += 1
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
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = command
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { return nil }
  return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}
