import RunModelInputs

/// A time in the unit that suits it.
func timeText(_ nanoseconds: Double) -> String {
  switch nanoseconds {
  case ..<1e3: shortText(nanoseconds, digits: 3) + " ns"
  case ..<1e6: shortText(nanoseconds / 1e3, digits: 4) + " µs"
  case ..<1e9: shortText(nanoseconds / 1e6, digits: 4) + " ms"
  default: shortText(nanoseconds / 1e9, digits: 4) + " s"
  }
}

/// A number of bytes in a decimal unit.
func byteText(_ bytes: Int) -> String { scaled(Double(bytes), ["B", "kB", "MB", "GB", "TB"]) }

/// A count with a decimal prefix.
func countText(_ count: Int) -> String { scaled(Double(count), ["", "k", "M", "G", "T", "P"]) }

private func scaled(_ value: Double, _ units: [String]) -> String {
  var value = value
  var unit = 0
  while value >= 1000, unit < units.count - 1 {
    value /= 1000
    unit += 1
  }
  let number = unit == 0 ? shortText(value, digits: 4) : shortText(value, digits: value >= 100 ? 4 : 3)
  return units[unit].isEmpty ? number : number + " " + units[unit]
}

func percentText(_ share: Double) -> String { fixedText(share * 100, decimals: 1) + " %" }
