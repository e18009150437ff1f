// golang-jwt: tokens by the library; it knows no JWK, so keys come and go through Go's own packages.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var algorithms = []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
	"ES256", "ES384", "ES512", "EdDSA"}

type rules struct {
	Jwks struct {
		Keys []webKey `json:"keys"`
	} `json:"jwks"`
	Algs     []string `json:"algs"`
	Issuer   string   `json:"issuer"`
	Audience string   `json:"audience"`
	Now      int64    `json:"now"`
}

type request struct {
	Op       string          `json:"op"`
	Alg      string          `json:"alg"`
	Jwk      webKey          `json:"jwk"`
	Pem      string          `json:"pem"`
	Header   map[string]any  `json:"header"`
	Claims   jwt.MapClaims   `json:"claims"`
	Policy   json.RawMessage `json:"policy"`
	Policies []rules         `json:"policies"`
	Token    string          `json:"token"`
	Tokens   []string        `json:"tokens"`
	Inputs   []string        `json:"inputs"`
}

type entry struct {
	kid  *string
	algs []string
	key  any
}

type policy struct {
	entries []entry
	parser  *jwt.Parser
}

func contains(list []string, wanted string) bool {
	for _, one := range list {
		if one == wanted {
			return true
		}
	}
	return false
}

func newPolicy(r rules) (*policy, error) {
	p := &policy{}
	for _, web := range r.Jwks.Keys {
		key, err := web.public()
		if err != nil {
			return nil, err
		}
		p.entries = append(p.entries, entry{web.Kid, web.algorithms(r.Algs), key})
	}
	p.parser = jwt.NewParser(jwt.WithValidMethods(r.Algs), jwt.WithIssuer(r.Issuer), jwt.WithAudience(r.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return time.Unix(r.Now, 0) }))
	return p, nil
}

// The one key that a header asks for.
func (p *policy) pick(token *jwt.Token) (any, error) {
	alg := token.Method.Alg()
	kid, hasKid := token.Header["kid"]
	var fits []entry
	for _, e := range p.entries {
		alone := len(p.entries) == 1 && e.kid == nil
		if alone || (hasKid && e.kid != nil && kid == *e.kid) || (!hasKid && contains(e.algs, alg)) {
			fits = append(fits, e)
		}
	}
	if len(fits) != 1 {
		return nil, fmt.Errorf("%d keys fit", len(fits))
	}
	if !contains(fits[0].algs, alg) {
		return nil, errors.New("the key is for another algorithm")
	}
	return fits[0].key, nil
}

func (p *policy) check(token string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := p.parser.ParseWithClaims(token, claims, p.pick)
	return claims, err
}

func sign(r request) (string, error) {
	key, err := privateKey(r)
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(r.Alg), r.Claims)
	for name, value := range r.Header {
		token.Header[name] = value
	}
	return token.SignedString(key)
}

// forge signs texts that need not be tokens at all: for the mutations, not for interoperation.
func forge(r request) ([]string, error) {
	key, err := privateKey(r)
	if err != nil {
		return nil, err
	}
	method := jwt.GetSigningMethod(r.Alg)
	signatures := make([]string, len(r.Inputs))
	for i, input := range r.Inputs {
		signature, err := method.Sign(input, key)
		if err != nil {
			return nil, err
		}
		signatures[i] = encoding.EncodeToString(signature)
	}
	return signatures, nil
}

type answer map[string]any

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && len(info.Deps) > 0 {
		return "golang-jwt " + info.Deps[0].Version
	}
	return "golang-jwt"
}

func handle(r request, policies *[]*policy) (answer, error) {
	switch r.Op {
	case "hello":
		return answer{"library": version(), "algorithms": algorithms, "can": []string{"generate", "forge"}}, nil
	case "generate":
		pem, err := generate(r.Alg)
		return answer{"pem": pem}, err
	case "sign":
		token, err := sign(r)
		return answer{"token": token}, err
	case "forge":
		signatures, err := forge(r)
		return answer{"signatures": signatures}, err
	case "verify":
		var one rules
		if err := json.Unmarshal(r.Policy, &one); err != nil {
			return nil, err
		}
		p, err := newPolicy(one)
		if err != nil {
			return nil, err
		}
		claims, err := p.check(r.Token)
		return answer{"claims": claims}, err
	case "policies":
		*policies = nil
		for _, one := range r.Policies {
			p, err := newPolicy(one)
			if err != nil {
				return nil, err
			}
			*policies = append(*policies, p)
		}
		return answer{}, nil
	case "judge":
		var index int
		if err := json.Unmarshal(r.Policy, &index); err != nil {
			return nil, err
		}
		answers := make([]any, len(r.Tokens))
		for i, token := range r.Tokens {
			if claims, err := (*policies)[index].check(token); err == nil {
				answers[i] = claims
			}
		}
		return answer{"answers": answers}, nil
	}
	return nil, errors.New("no such operation")
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	var policies []*policy
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var r request
		said := answer{}
		err = json.Unmarshal(line, &r)
		if err == nil {
			said, err = handle(r, &policies)
		}
		if err != nil {
			said = answer{"error": err.Error()}
		}
		said["ok"] = err == nil
		if err := out.Encode(said); err != nil {
			return
		}
	}
}
