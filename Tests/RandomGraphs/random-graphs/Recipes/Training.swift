extension Recipe { static let training: [Recipe] = [] }
