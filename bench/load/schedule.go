package load

// schedule is the order in which accounts send, which repeats. One that sends
// often is spread evenly: at each turn everybody gains its weight, and who has
// most goes and pays for all.
func schedule(accounts []Account) []int {
	total, common := 0, 0
	for _, a := range accounts {
		total += a.Weight
		common = gcd(common, a.Weight)
	}
	order := make([]int, total/common)
	credit := make([]int, len(accounts))
	for turn := range order {
		best := 0
		for i, a := range accounts {
			credit[i] += a.Weight
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= total
		order[turn] = best
	}
	return order
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// heavy tells of each account whether it sends more than the least.
func heavy(accounts []Account) []bool {
	least := accounts[0].Weight
	for _, a := range accounts {
		least = min(least, a.Weight)
	}
	is := make([]bool, len(accounts))
	for i, a := range accounts {
		is[i] = a.Weight > least
	}
	return is
}
