;;; Drives Emacs's eglot: open, type after Chinese text, fix, save, change on disk, close.  -*- lexical-binding: t -*-
;; Run with `emacs -q --batch -l`.  Environment: MINIVET (the program), SHOP (a package).

(package-initialize)
(require 'eglot)
(require 'flymake)

(defconst rule "privacy/collection-on-launch")

(defun fail (format &rest args)
  (message "FAIL: %s" (apply #'format format args))
  (kill-emacs 1))

(defun shown ()
  (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))

(defun until (what holds)
  "Wait until HOLDS gives a value, and give it back; fail with WHAT after a minute."
  (let ((end (+ (float-time) 60)) value)
    (while (not (or (setq value (funcall holds)) (> (float-time) end)))
      ;; Nobody is idle in batch mode: what was typed is sent here.
      (eglot--signal-textDocument/didChange)
      (flymake-start)
      (accept-process-output nil 0.1))
    (or value (fail "never: %s: %S" what (shown)))))

(defun having (text)
  (seq-find (lambda (one) (string-match-p (regexp-quote text) (flymake-diagnostic-text one)))
            (flymake-diagnostics)))

(defun main ()
  (let* ((shop (getenv "SHOP"))
         (file (expand-file-name "pages/index/index.js" shop))
         (eglot-sync-connect 60)
         (eglot-autoshutdown nil)
         (eglot-confirm-server-initiated-edits nil)
         (make-backup-files nil)
         (create-lockfiles nil))
    (setq eglot-server-programs `((js-mode . (,(getenv "MINIVET") "lsp" :initializationOptions (:lang "en")))))
    ;; The folder is a project of its own, not the repository around it.
    (add-hook 'project-find-functions (lambda (_) (cons 'transient (file-name-as-directory shop))))
    (find-file file)
    (js-mode)
    (apply #'eglot (eglot--guess-contact))
    (until "a server" #'eglot-current-server)
    (until "the finding" (lambda () (having rule)))
    ;; Typing: Chinese and an emoji before an address count as eglot counts.
    (goto-char (point-min))
    (forward-line 1)
    (insert "    shown() { const t = '店铺😀'; swan.request({ url: 'http://fresh.example/' }); },\n")
    (let ((found (until "the typed address" (lambda () (having "fresh.example")))))
      (goto-char (point-min))
      (search-forward "http://fresh")
      (unless (memq (flymake-diagnostic-beg found)
                    (list (- (match-beginning 0) 1) (match-beginning 0)))
        (fail "the finding stands at %s, not at %s" (flymake-diagnostic-beg found) (match-beginning 0))))
    ;; A fix that the server offers is applied, and clears what it is for.
    (goto-char (point-min))
    (search-forward "http://fresh")
    (let* ((actions (append (jsonrpc-request (eglot--current-server-or-lose) :textDocument/codeAction
                                             (list :textDocument (eglot--TextDocumentIdentifier)
                                                   :range (list :start (eglot--pos-to-lsp-position (line-beginning-position))
                                                                :end (eglot--pos-to-lsp-position (line-end-position)))
                                                   :context (list :diagnostics []))
                                             :timeout 60)
                            nil))
           (fix (seq-find (lambda (action) (string-match-p "encrypted scheme" (plist-get action :title))) actions)))
      (unless fix
        (fail "no repair among %S" (mapcar (lambda (action) (plist-get action :title)) actions)))
      (eglot--apply-workspace-edit (plist-get fix :edit)))
    (until "the repair" (lambda () (not (having "http://fresh"))))
    (unless (save-excursion (goto-char (point-min)) (search-forward "https://fresh" nil t))
      (fail "the text was not repaired"))
    (let ((inhibit-message t)) (save-buffer))
    ;; What changes on disk counts, as far as eglot watches it.
    (with-temp-file (expand-file-name "minivet.toml" shop)
      (insert "[rules.\"" rule "\"]\nseverity = \"off\"\n"))
    (until "the configuration" (lambda ()
                                 (eglot--signal-textDocument/didSave)
                                 (not (having rule))))
    (delete-file (expand-file-name "minivet.toml" shop))
    (eglot-shutdown (eglot-current-server) nil 20)
    (kill-buffer)
    (message "eglot %s on Emacs %s: ok" (if (boundp 'eglot-version) eglot-version "") emacs-version)))

(condition-case err
    (main)
  (error (fail "%S" err)))
