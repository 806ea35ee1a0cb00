import Attribution
import Pullbacks
import TestKit
import Testing

/// Temperatures relative to each channel's spread as settings of methods.
struct RelativeSettingsTests {
  @Test func oneMultipleForAll() {
    var settings = MethodSettings()
    #expect(settings.relativeNoise == nil && settings.relativeTemperatures.isEmpty)
    settings.relativeNoise = 1.5
    #expect(settings.relativeTemperatures == RelativeTemperatures(1.5) && settings.relativeNoise == 1.5)
    #expect(
      settings.ofSoftRules == ["border": "zeros", "attention": "frozen", "temperature.relative": "1.5"])
    settings.relativeTemperatures = RelativeTemperatures(1.5, [.relu: 1])
    #expect(settings.relativeNoise == nil)
    settings.relativeNoise = nil
    #expect(settings.relativeTemperatures.isEmpty && settings.ofSoftRules == MethodSettings().ofSoftRules)
  }

  @Test func recordsNameKinds() {
    var settings = MethodSettings()
    settings.relativeTemperatures = RelativeTemperatures([.relu: 1, .maxpool: 2])
    settings.temperatures[.gelu] = 0.5
    #expect(
      settings.ofSoftRules == [
        "border": "zeros", "attention": "frozen", "temperature.relative.relu": "1.0",
        "temperature.relative.maxpool": "2.0", "temperature.relu6": "0.6", "temperature.gelu": "0.5",
        "temperature.silu": "1.6", "temperature.attention": "1.0",
      ])
    settings.relativeTemperatures = RelativeTemperatures(1.5, [.relu: 1])
    settings.temperatures = Temperatures()
    #expect(settings.ofSoftRules["temperature.relative"] == "1.5" && settings.ofSoftRules.count == 4)
    settings.temperatures[.attention] = 2
    #expect(settings.ofSoftRules["temperature.attention"] == "2.0" && settings.ofSoftRules.count == 5)
  }

  /// The logistic gate of ReLU goes by the same name in settings, records and rules.
  @Test func logisticGate() throws {
    let setting = try #require(Setting.all.first { $0.name == "temperature.relu" })
    var settings = MethodSettings()
    let isTaken = settings.temperatures.set(.relu, "sigmoid:0.3")
    #expect(isTaken)
    #expect(setting.read(settings) == "sigmoid:0.3" && settings.ofSoftRules["temperature.relu"] == "sigmoid:0.3")
    let graph = SmallNetwork.convnet.network.graph
    #expect(try settings.softRules(for: graph) == .excitationPullback())
    for text in ["sigmoid:0", "sigmoid:", "sigmoid:nan", "logistic:0.3", "-1"] {
      let isTaken = settings.temperatures.set(.relu, text)
      #expect(!isTaken, "\(text)")
    }
    let isTakenElsewhere = settings.temperatures.set(.gelu, "sigmoid:0.3")
    #expect(!isTakenElsewhere)
    let isTakenBack = settings.temperatures.set(.relu, "0.6")
    #expect(isTakenBack)
    #expect(try settings.softRules(for: graph) == .softPullback())
  }

  /// Attention keeps the rule and the temperature that it has without relative ones; single nodes come before all.
  @Test func otherRulesStay() throws {
    let network = SmallNetwork.transformer.network
    var settings = MethodSettings()
    settings.attention = .released
    settings.temperatures[.attention] = 2
    settings.relativeTemperatures = RelativeTemperatures([.gelu: 1])
    let gelu = try #require(network.graph.nodes.first { $0.operation is GELU })
    let attention = try #require(network.graph.nodes.first { $0.operation is ScaledDotProductAttention })
    let rules = try settings.softRules(for: network.graph)
    #expect(try rules.rule(for: attention) as? ReleasedAttention == ReleasedAttention(temperature: 2))
    #expect(try rules.rule(for: gelu) as? RelativeGate == RelativeGate(1, of: .ofImage(channelAxis: .last)))
    #expect(try settings.spreads(in: network.graph).map(\.node.name).contains(gelu.name))
    settings.nodeTemperatures = [gelu.name: 0.3]
    #expect(try settings.softRules(for: network.graph).rule(for: gelu) as? SoftGate == SoftGate(temperature: 0.3))
    #expect(try MethodSettings().spreads(in: network.graph).isEmpty)
  }
}
