"""A flow as long as flows get, and its functions by themselves."""

from __future__ import annotations

_FUNCTION = r"""(fn [{:keys [commits since]}]
            (let [kind (fn [subject]
                         (let [word (first (clojure.string/split (clojure.string/lower-case subject) #"\s+"))]
                           (cond
                             (contains? #{"add" "build" "write"} word) "Added"
                             (contains? #{"fix" "mend" "repair" "correct"} word) "Fixed"
                             :else "Changed")))
                  own (remove #(> (count (:parents %)) 1) commits)
                  groups (group-by #(kind (:subject %)) own)
                  lines (fn [title]
                          (when-let [found (seq (get groups title))]
                            (str "## Page-N " title "\n"
                                 (apply str (map #(str "- " (:subject %) "\n") found)))))]
              {:since since
               :commits (count own)
               :text (clojure.string/join "\n" (keep lines ["Added" "Changed" "Fixed"]))}))"""
_STEPS = """              page-N (flow/step :http :fetch-N {:method :get
                                                :url "https://api.example.com/items"
                                                :title "Read page N"
                                                :query {:page N :since (:since input)}})
              notes-N (if (:body page-N)
                        (flow/step :function :group-N
                                   {:ref :group-N
                                    :input {:commits (get-in page-N [:body :items])
                                            :since (:since input)}})
                        {:text ""})"""
_PAGES = tuple(str(number) for number in range(11))

FUNCTIONS = tuple(_FUNCTION.replace("-N", f"-{page}") for page in _PAGES)


def _declared(page: str, code: str) -> str:
    return f"  {{:id :group-{page}\n   :language :clojure\n   :code '{code}}}"


def _flow() -> str:
    declared = "\n".join(_declared(page, code) for page, code in zip(_PAGES, FUNCTIONS, strict=True))
    steps = "\n".join(_STEPS.replace("N", page) for page in _PAGES)
    texts = " ".join(f"(:text notes-{page})" for page in _PAGES)
    return f"""{{:slug :long
 :name "A long flow"
 :description "Reads many pages and writes notes on each."
 :concurrency {{:type :singleton :on-new-version :coexist}}
 :invocations {{:default {{:inputs [{{:name :since :type :text :label "Since"}}]}}}}
 :interfaces {{:manual [{{:id :go :invocation :default :label "Go"}}]}}
 :functions
 [
{declared}]
 :flow '(let [input (flow/input)
{steps}]
          {{:notes [{texts}]}})}}
"""


LONG_FLOW = _flow()
