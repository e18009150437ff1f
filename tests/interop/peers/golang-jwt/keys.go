package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

var encoding = base64.RawURLEncoding

type webKey struct {
	Kty string  `json:"kty"`
	Kid *string `json:"kid"`
	Alg string  `json:"alg"`
	Crv string  `json:"crv"`
	N   string  `json:"n"`
	E   string  `json:"e"`
	X   string  `json:"x"`
	Y   string  `json:"y"`
	K   string  `json:"k"`
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

func number(text string) *big.Int {
	bytes, err := encoding.DecodeString(text)
	if err != nil {
		return new(big.Int)
	}
	return new(big.Int).SetBytes(bytes)
}

func (w webKey) public() (any, error) {
	switch w.Kty {
	case "oct":
		return encoding.DecodeString(w.K)
	case "RSA":
		return &rsa.PublicKey{N: number(w.N), E: int(number(w.E).Int64())}, nil
	case "EC":
		curve, known := curves[w.Crv]
		if !known {
			return nil, fmt.Errorf("no such curve: %s", w.Crv)
		}
		return &ecdsa.PublicKey{Curve: curve, X: number(w.X), Y: number(w.Y)}, nil
	case "OKP":
		bytes, err := encoding.DecodeString(w.X)
		return ed25519.PublicKey(bytes), err
	}
	return nil, fmt.Errorf("no such key type: %s", w.Kty)
}

// The algorithms of the policy that a key admits: its own, or what its type can do.
func (w webKey) algorithms(allowed []string) []string {
	family := map[string]string{"oct": "HS", "RSA": "RSPS", "EC": "ES", "OKP": "Ed"}[w.Kty]
	var admitted []string
	for _, alg := range allowed {
		fits := alg[:2] == family || (w.Kty == "RSA" && (alg[:2] == "RS" || alg[:2] == "PS"))
		if (w.Alg == "" && fits) || w.Alg == alg {
			admitted = append(admitted, alg)
		}
	}
	return admitted
}

func privateKey(r request) (any, error) {
	switch r.Alg[:2] {
	case "HS":
		return r.Jwk.public()
	case "ES":
		return jwt.ParseECPrivateKeyFromPEM([]byte(r.Pem))
	case "Ed":
		return jwt.ParseEdPrivateKeyFromPEM([]byte(r.Pem))
	}
	return jwt.ParseRSAPrivateKeyFromPEM([]byte(r.Pem))
}

func generate(alg string) (string, error) {
	var key crypto.PrivateKey
	var err error
	switch alg[:2] {
	case "HS":
		return "", fmt.Errorf("a secret has no PEM")
	case "ES":
		key, err = ecdsa.GenerateKey(map[string]elliptic.Curve{
			"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[alg], rand.Reader)
	case "Ed":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}
