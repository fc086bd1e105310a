import PinionBase

/// Sorts numbers; those of which neither comes first keep their order.
///
/// - Parameters:
///   - room: memory for as many.
///   - precedes: whether the first number comes before the second; counts its work on the poll.
/// - Throws: what `precedes` throws, and what the run's limits say.
func mergeSort(
  _ numbers: UnsafeMutableBufferPointer<Int>, _ room: UnsafeMutableBufferPointer<Int>, _ poll: inout Poll,
  _ precedes: (Int, Int, inout Poll) throws(PinionError) -> Bool
) throws(PinionError) {
  guard numbers.count > 1, var from = numbers.baseAddress, var to = room.baseAddress else { return }
  let count = numbers.count, target = from
  var width = 1
  while width < count {
    var start = 0
    while start < count {
      let middle = min(start &+ width, count), end = min(middle &+ width, count)
      var left = start, right = middle
      for place in start..<end {
        try poll.count(4)
        // From the right only what comes before what is left on the left.
        var takesRight = right < end
        if takesRight, left < middle { takesRight = try precedes(from[right], from[left], &poll) }
        to[place] = from[takesRight ? right : left]
        if takesRight { right &+= 1 } else { left &+= 1 }
      }
      start = end
    }
    swap(&from, &to)
    width &*= 2
  }
  if from != target { target.update(from: from, count: count) }
}
