import ExperimentKit
import Testing

/// What was probably meant.
@Test(arguments: [
  ("zebr", "zebra"), ("ZEBRA", "zebra"), ("soft_pullback", "soft-pullback"), ("gradeint", "gradient"), ("x", nil),
  ("", nil), ("something else", nil),
])
func nearestName(text: String, expected: String?) {
  #expect(nearest(to: text, among: ["zebra", "soft-pullback", "gradient", "hen"]) == expected)
}
