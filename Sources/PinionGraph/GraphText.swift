extension Graph: CustomStringConvertible {
  /// One line a node.
  public var description: String { "" }
}
