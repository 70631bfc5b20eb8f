// The note that is left behind. It is short, speaks of all your files and asks for coins over a hidden service.

rule ransom_note
{
    meta:
        description = "Note that demands coins for files that were encrypted"
        author = "Bartizan"
        severity = "high"
        attack = "T1486"
    strings:
        $files = /\b(all (of )?)?your (files|data|documents|network)( and [a-z ]{3,40})? (have been|has been|are|were) (all )?(encrypted|locked|stolen and encrypted)/ nocase
        $key = /(decryption (key|tool|software)|(decrypt|recover|restore) your (files|data)|private key)/ nocase
        $coin = /\b(bitcoins?|btc|monero|xmr)\b/ nocase
        $hidden = /\b([a-z2-7]{16}|[a-z2-7]{56})\.onion\b/
        $tor = /tor browser/ nocase
        $threat = /(do not (try|attempt) to (decrypt|rename|recover)|(will be|be) (deleted|destroyed|published|leaked|sold)|price (will )?(double|increase)s?)/ nocase
    condition:
        filesize < 64KB and $files and $key and $threat and ($coin or $tor or $hidden) and ($hidden or ($coin and $tor))
}
