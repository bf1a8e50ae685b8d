// golang.org/x/time/rate: a limiter for each user in the memory of the process.
package main

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

func main() {
	perSecond := float64(numberOf("REFILL_TOKENS")) / float64(numberOf("REFILL_US")) * 1e6
	burst := numberOf("CAPACITY")
	var limiters sync.Map
	answerTakes(func(user string, cost int) (bool, error) {
		limiter, _ := limiters.LoadOrStore(user, rate.NewLimiter(rate.Limit(perSecond), burst))
		return limiter.(*rate.Limiter).AllowN(time.Now(), cost), nil
	})
}
