// A receiver in Go 1.22 or newer, without any package. HOOK_SECRET is the hook's secret (whsec_…), several separated by
// commas; DATABASE is a file, PORT where it listens.
//
//	HOOK_SECRET=whsec_… go run .
//
// Go's library has no database, so this one keeps a journal: a line for each event, with its id. In production write the
// id in the same transaction as the work, into the database that the work goes to.
package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tolerance   = 5 * time.Minute
	largestBody = 1 << 20
)

func main() {
	keys, err := keysOf(os.Getenv("HOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	journal, err := openJournal(setting("DATABASE", "receiver.jsonl"))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+setting("PORT", "4000"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: receiver(keys, journal), ReadTimeout: 30 * time.Second}
	log.Fatal(server.Serve(listener))
}

func receiver(keys [][]byte, journal *journal) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodPost {
			response.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		// The bytes as they came: parsed and written again they would not fit the signature any more.
		body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, largestBody))
		if err != nil {
			response.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		if !isGenuine(request.Header, body, keys, time.Now()) {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		if err := journal.handle(request.Header.Get("webhook-id"), body); err != nil {
			// Anything but a 2xx: seam-relay sends it again.
			log.Print(err)
			response.WriteHeader(http.StatusInternalServerError)
			return
		}
		response.WriteHeader(http.StatusNoContent)
	})
}

// isGenuine judges by Standard Webhooks: an HMAC-SHA256 over id, timestamp and body, by one of the secrets, not older than
// five minutes.
func isGenuine(header http.Header, body []byte, keys [][]byte, now time.Time) bool {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		wanted := mac.Sum(nil)
		for _, signature := range strings.Split(header.Get("webhook-signature"), " ") {
			text, isV1 := strings.CutPrefix(signature, "v1,")
			given, err := base64.StdEncoding.DecodeString(text)
			if isV1 && err == nil && hmac.Equal(given, wanted) {
				return true
			}
		}
	}
	return false
}

// A journal knows the ids of all events that were handled.
type journal struct {
	mutex sync.Mutex
	file  *os.File
	known map[string]bool
}

type entry struct {
	WebhookID string          `json:"webhook_id"`
	Event     json.RawMessage `json:"event"`
}

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	opened := &journal{file: file, known: map[string]bool{}}
	reader, whole := bufio.NewReader(file), int64(0)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			break
		}
		var read entry
		if json.Unmarshal(line, &read) != nil {
			return nil, errors.New(path + ": not a journal of this receiver")
		}
		opened.known[read.WebhookID] = true
		whole += int64(len(line))
	}
	// A line that was cut off by a crash was never answered, so its event comes again.
	if err := file.Truncate(whole); err != nil {
		return nil, err
	}
	_, err = file.Seek(whole, io.SeekStart)
	return opened, err
}

// handle writes the event's effect and its id in one line: both, or neither and it comes again.
func (journal *journal) handle(webhookID string, body []byte) error {
	journal.mutex.Lock()
	defer journal.mutex.Unlock()
	// The same id at every attempt. One that is known has been handled, and is answered like the first time.
	if journal.known[webhookID] {
		return nil
	}
	line, err := json.Marshal(entry{webhookID, body})
	if err != nil {
		return err
	}
	before, err := journal.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err = journal.file.Write(append(line, '\n')); err == nil {
		err = journal.file.Sync()
	}
	if err != nil {
		// What was written of the line must not stay in front of the next one.
		_ = journal.file.Truncate(before)
		_, _ = journal.file.Seek(before, io.SeekStart)
		return err
	}
	journal.known[webhookID] = true
	return nil
}

func keysOf(secrets string) ([][]byte, error) {
	var keys [][]byte
	for _, secret := range strings.Split(secrets, ",") {
		text, isSecret := strings.CutPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(text)
		if !isSecret || err != nil {
			return nil, errors.New("HOOK_SECRET: whsec_…, several separated by commas")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
