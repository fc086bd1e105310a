extension Recipe { static let machineLearning: [Recipe] = [] }
