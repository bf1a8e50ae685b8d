// Reads takes from standard input and answers them on standard output, many at once.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func numberOf(name string) (number int) {
	fmt.Sscan(os.Getenv("OPENCLAW_RL_"+name), &number)
	return
}

// Ends with standard input.
func answerTakes(take func(user string, cost int) (bool, error)) {
	fmt.Println(`{"ready": true}`)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var asked struct {
			Id, Cost int
			User     string
		}
		json.Unmarshal(lines.Bytes(), &asked)
		go func() {
			reply := map[string]any{"id": asked.Id}
			allowed, err := take(asked.User, asked.Cost)
			if reply["allowed"] = allowed; err != nil {
				reply = map[string]any{"id": asked.Id, "error": err.Error()}
			}
			line, _ := json.Marshal(reply)
			fmt.Println(string(line))
		}()
	}
}
