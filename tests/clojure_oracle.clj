;; Answers expressions for the differential tests: one EDN string a line in, one line of EDN out,
;; [:value "printed"] or [:throws "class" "message"] or [:refused "class" "message"] (it did not compile) or [:late].
(import '(java.io BufferedReader InputStreamReader PrintStream FileOutputStream FileDescriptor StringReader Writer)
        '(java.util.concurrent LinkedBlockingQueue TimeUnit))
(require 'clojure.edn 'clojure.string 'clojure.set 'clojure.walk 'clojure.math)

(def allowed-ms 2000)

(defn nowhere []
  (proxy [Writer] [] (write ([_]) ([_ _ _])) (flush []) (close [])))

(defn fresh-namespace []
  (let [found (create-ns 'oracle.user)]
    (binding [*ns* found]
      (clojure.core/refer 'clojure.core)
      (doseq [[short long] '{str clojure.string set clojure.set walk clojure.walk
                             edn clojure.edn math clojure.math}]
        (alias short long))
      (import '(java.time DayOfWeek Duration Instant LocalDate LocalDateTime LocalTime Month OffsetDateTime Period ZoneId
                          ZoneOffset ZonedDateTime)
              '(java.time.format DateTimeFormatter)
              '(java.time.temporal ChronoUnit TemporalAdjusters)
              '(java.math RoundingMode)
              '(java.nio.charset StandardCharsets)
              '(java.util Base64 Locale)))
    found))

(def where (fresh-namespace))

(defn told [kind ^Throwable e]
  [kind (.getName (class e)) (str (.getMessage e))])

(defn answer [text]
  (binding [*ns* where *in* (StringReader. "") *out* (nowhere) *err* (nowhere) *data-readers* {}]
    (let [thunk (try
                  (eval (list 'fn* [] (read-string {:read-cond :allow} text)))
                  (catch Throwable e e))]
      (if (instance? Throwable thunk)
        (told :refused thunk)
        (try
          [:value (pr-str (thunk))]
          (catch ThreadDeath e (throw e))
          (catch Throwable e (told :throws e)))))))

(defn thread [questions answers]
  (doto (Thread. nil
                 #(loop []
                    (.put ^LinkedBlockingQueue answers (answer (.take ^LinkedBlockingQueue questions)))
                    (recur))
                 "evaluation" (* 4 1024 1024))
    (.setDaemon true)
    (.start)))

(defn begin []
  (let [questions (LinkedBlockingQueue.)
        answers (LinkedBlockingQueue.)]
    {:questions questions :answers answers :thread (thread questions answers)}))

(let [in (BufferedReader. (InputStreamReader. System/in "UTF-8"))
      out (PrintStream. (FileOutputStream. FileDescriptor/out) false "UTF-8")]
  (loop [at-work (begin)]
    (when-let [line (.readLine in)]
      (.put ^LinkedBlockingQueue (:questions at-work) (clojure.edn/read-string line))
      (let [found (.poll ^LinkedBlockingQueue (:answers at-work) allowed-ms TimeUnit/MILLISECONDS)]
        (.println out (pr-str (or found [:late])))
        (.flush out)
        (recur (if found
                 at-work
                 ;; A queue of its own for each thread: what a stopped one still says, nobody hears.
                 (do (.stop ^Thread (:thread at-work)) (begin))))))))
