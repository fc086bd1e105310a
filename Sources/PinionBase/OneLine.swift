extension String {
  /// The text on one line, without characters that steer a terminal: names in a model may have any.
  public var onOneLine: String {
    guard utf8.contains(where: { $0 < 32 || $0 >= 127 }) else { return self }
    return split(whereSeparator: \.isNewline).map { String($0.filter { !$0.isControl }) }.joined(separator: " ")
  }
}

extension Character {
  fileprivate var isControl: Bool { unicodeScalars.allSatisfy { $0.value < 32 || (127..<160).contains($0.value) } }
}
