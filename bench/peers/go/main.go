// bench DIR: how long golang-jwt takes to verify the tokens in DIR and to read their claims. Prints `ALG ns`. CPU time of
// the whole process, the collector's with it.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"syscall"

	"github.com/golang-jwt/jwt/v5"
)

const rounds, roundNs = 7, 25e6

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "golang-jwt:", err)
		os.Exit(1)
	}
	return value
}

func cpuNs() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano() + used.Stime.Nano())
}

func read(claims jwt.MapClaims) bool {
	for _, name := range []string{"iss", "sub", "aud", "jti", "email", "plan"} {
		if _, good := claims[name].(string); !good {
			return false
		}
	}
	for _, name := range []string{"exp", "iat"} {
		if _, good := claims[name].(float64); !good {
			return false
		}
	}
	roles, good := claims["roles"].([]interface{})
	return good && len(roles) == 2
}

func timeOf(parser *jwt.Parser, token string, key interface{}, count int) float64 {
	before := cpuNs()
	for i := 0; i < count; i++ {
		parsed := must(parser.Parse(token, func(*jwt.Token) (interface{}, error) { return key, nil }))
		if !read(parsed.Claims.(jwt.MapClaims)) {
			must(0, fmt.Errorf("a good token is refused"))
		}
	}
	return (cpuNs() - before) / float64(count)
}

func main() {
	for _, algorithm := range []string{"HS256", "RS256", "PS256", "ES256", "EdDSA"} {
		file := func(ending string) []byte { return must(os.ReadFile(filepath.Join(os.Args[1], algorithm+ending))) }
		var key interface{}
		if algorithm == "HS256" {
			key = file(".secret")
		} else {
			block, _ := pem.Decode(file(".pem"))
			key = must(x509.ParsePKIXPublicKey(block.Bytes))
		}
		token := string(file(".token"))
		parser := jwt.NewParser(jwt.WithValidMethods([]string{algorithm}), jwt.WithIssuer("https://id.example.com"),
			jwt.WithAudience("https://api.example.com"))
		timeOf(parser, token, key, 100)
		count := max(1, int(roundNs/timeOf(parser, token, key, 400)))
		took := make([]float64, rounds)
		for i := range took {
			took[i] = timeOf(parser, token, key, count)
		}
		sort.Float64s(took)
		fmt.Printf("%s %.1f\n", algorithm, took[rounds/2])
	}
}
