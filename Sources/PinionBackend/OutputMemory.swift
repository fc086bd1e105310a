/// Where an output of a node may lie.
///
/// The planner takes it as leave, not as an order: it writes over an input only where that has the output's size, lies in memory of
/// the plan at no offset, is no operand of the node twice, and is not read later, under whatever name. A node of which every output is
/// `within` an input has nothing to compute, and no kernel is asked for; where one output is not, those beside it are made by the
/// kernel as if they were `fresh`.
public enum OutputMemory: Equatable, Sendable {
  /// In memory of its own.
  case fresh
  /// In the memory of one of these inputs, best first, or in its own. An operator may say so where its kernel, for any number of
  /// threads, reads each element of each of these inputs only before it writes the element of the output with the same number or when
  /// it writes that one, and where elements are as wide in both. Whatever else a task reads (rows that it shares with other tasks,
  /// an input that is broadcast) must not be among these inputs. Only output 0 is written over an input.
  case over(inputs: [Int])
  /// Already in the input, from the byte `offset` on, whole and in order; it shares these bytes with the input and with whatever else
  /// lies there, and nobody writes to them while one of these is still read.
  case within(input: Int, offset: Int)
}
