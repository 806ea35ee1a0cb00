import Checkpoints
import Foundation
import Networks
import Onnx
import Pullbacks

/// Times a graph and the architecture that it was exported from, by turns.
enum Timing {
  /// - Parameter native: the name of an architecture and a checkpoint, `resnet50=FILE`.
  static func run(_ path: String, _ native: String, rounds: Int = 7) throws {
    let parts = native.split(separator: "=").map(String.init)
    let checkpoint = try Checkpoint(contentsOf: parts[1])
    var loading: [(own: Double, graph: Double)] = []
    var networks: [Network] = []
    for _ in 0..<3 {
      var made: [Network] = []
      let own = try seconds {
        made.append(try Network(.named(parts[0]), checkpoint: checkpoint).starting(at: "normalise"))
      }
      let graph = try seconds { made.append(try Network(onnx: URL(filePath: path))) }
      loading.append((own.wall, graph.wall))
      networks = made
    }
    print(
      String(format: "loading: native %.3f s, graph %.3f s", loading.map(\.own).min()!, loading.map(\.graph).min()!))
    for batch in [1, 10] {
      let shape = [batch] + networks[0].graph.inputShape
      let x = Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0 % 251) / 125 - 1 })
      let selector = try networks[0].oneHot([Int](repeating: 3, count: batch))
      for (what, rules) in [("forward", nil), ("gradient", .gradient), ("soft pullback", .softPullback())]
        as [(String, RuleSet?)]
      {
        var least = [(wall: Double, processor: Double)](repeating: (.infinity, .infinity), count: 2)
        for _ in 0..<rounds {
          for (place, network) in networks.enumerated() {
            let taken = try seconds {
              let trace = try network.trace(at: x, rules: rules.map { [$0] } ?? [])
              if let rules { _ = try trace.pullback(selector, by: rules) }
            }
            least[place] = (min(least[place].wall, taken.wall), min(least[place].processor, taken.processor))
          }
        }
        print(
          String(
            format: "batch %2d %@: native %.1f ms (processor %.1f), graph %.1f ms (%.1f), ratio %.3f (%.3f)", batch,
            what,
            1e3 * least[0].wall, 1e3 * least[0].processor, 1e3 * least[1].wall, 1e3 * least[1].processor,
            least[1].wall / least[0].wall, least[1].processor / least[0].processor))
      }
    }
  }

  /// The wall time, and the computing time of all threads of this process meanwhile.
  private static func seconds(_ body: () throws -> Void) rethrows -> (wall: Double, processor: Double) {
    let (wall, processor) = (ContinuousClock.now, clock())
    try body()
    let taken = ContinuousClock.now - wall
    return (
      Double(taken.components.seconds) + Double(taken.components.attoseconds) * 1e-18,
      Double(clock() - processor) / Double(CLOCKS_PER_SEC)
    )
  }
}
