import Attribution
import CKernels
import TestKit
import Testing

@testable import Pullbacks

/// The generator against its authors' test vectors, and the streams' promises.
@Suite struct RandomStreamTests {
  /// Random123's kat_vectors for philox4x32 with 10 rounds.
  @Test func publishedVectors() {
    let vectors: [(counter: SIMD4<UInt32>, key: UInt64, expected: SIMD4<UInt32>)] = [
      (SIMD4(repeating: 0), 0, SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)),
      (
        SIMD4(repeating: 0xFFFF_FFFF), 0xFFFF_FFFF_FFFF_FFFF,
        SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
      ),
      (
        SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), 0x299F_31D0_A409_3822,
        SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
      ),
    ]
    for vector in vectors {
      let (place, image) = (UInt64(vector.counter[0]) + UInt64(vector.counter[1]) << 32, vector.counter[3])
      var words = [UInt32](repeating: 0, count: 4)
      pb_philox(vector.key, image, vector.counter[2], place, 1, &words)
      #expect(words == (0..<4).map { vector.expected[$0] })
    }
  }

  /// scipy.special.ndtri 1.17.1.
  @Test(arguments: [
    (1.1641532182693481e-10, -6.3379577545537895),
    (1e-07, -5.1993375821928165),
    (0.0001, -3.7190164854556804),
    (0.01, -2.3263478740408408),
    (0.074, -1.4466320671589785),
    (0.076, -1.4325027208258116),
    (0.3, -0.5244005127080409),
    (0.5, 0.0),
    (0.6, 0.2533471031357997),
    (0.925, 1.4395314709384563),
    (0.9999, 3.719016485455709),
    (0.9999999998835847, 6.3379577545537895),
    (1e-15, -7.941345326170998),
  ])
  func quantiles(p: Double, expected: Double) {
    #expect(abs(pb_normal_quantile(p) - expected) <= 1e-14 * abs(expected) + 1e-16)
  }

  @Test func streamsAreFunctionsOfTheirNames() {
    let stream = RandomStream(seed: 314, "smoothgrad", image: 12, draw: 3)
    let values = stream.normals([1000])
    #expect(values.scalars.prefix(10) == stream.normals([10]).scalars[...])
    for other in [
      RandomStream(seed: 315, "smoothgrad", image: 12, draw: 3), RandomStream(seed: 314, "rise", image: 12, draw: 3),
      RandomStream(seed: 314, "smoothgrad", image: 13, draw: 3),
      RandomStream(seed: 314, "smoothgrad", image: 12, draw: 4),
      RandomStream(seed: 314, "smoothgrad", image: 3, draw: 12),
    ] {
      let agreeing = zip(values.scalars, other.normals([1000]).scalars).count { $0 == $1 }
      #expect(agreeing == 0)
    }
  }

  @Test func momentsAreThoseOfTheDistributions() {
    let count = 1 << 20
    let stream = RandomStream(seed: 1, "moments")
    let normals = stream.normals([count]).scalars.map(Double.init)
    let uniforms = stream.uniforms([count]).scalars.map(Double.init)
    func moment(_ values: [Double], _ power: Int) -> Double {
      values.reduce(0) { sum, x in sum + (0..<power).reduce(1) { product, _ in product * x } } / Double(count)
    }
    // Five standard errors of each mean over 2^20 numbers.
    #expect(abs(moment(normals, 1)) < 0.005)
    #expect(abs(moment(normals, 2) - 1) < 0.007)
    #expect(abs(moment(normals, 3)) < 0.02)
    #expect(abs(moment(normals, 4) - 3) < 0.05)
    #expect(abs(moment(uniforms, 1) - 0.5) < 0.0015)
    #expect(abs(moment(uniforms, 2) - 1.0 / 3) < 0.0015)
    #expect(uniforms.allSatisfy { (0..<1).contains($0) })
    let integers = stream.integers(below: 7, count: 70_000)
    for value in 0..<7 { #expect(abs(integers.count { $0 == value } - 10_000) < 500) }
  }
}
