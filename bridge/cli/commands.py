"""Commands of `bridge`, each with its line of the help, and how a shell asks for them. It imports nothing."""

__all__ = ["COMMANDS", "COMPLETION_VARIABLE"]

COMMANDS = {
    "serve": "Run the bridge until Ctrl-C or SIGTERM.",
    "demo": "Show a simulated afternoon of sales, on a bridge and a local SHKeeper of its own.",
    "simulate": "Play a payment provider.",
    "listen": "Show events as they happen.",
    "endpoints": "Register where events are sent, and see what was.",
    "payouts": "Hold all payouts, have them sent again, or approve or reject one.",
    "alerts": "Try whether those are reached who are told of what needs a person.",
    "doctor": "Check the configuration, and say what is wrong and what to do.",
    "config": "Show every setting with its value, and where that comes from.",
    "token": "Make a user's token, or read one.",
    "backup": "Make a consistent copy of the journal, while the bridge runs or not.",
    "restore": "Put a backup in the place of the journal.",
    "migrate": "Bring the journal's schema up to date, or say what that will do.",
    "journal": "Say that the journal was restored, see what it has forgotten, and make its file smaller.",
    "contract": "Print every event, both ways, with its payload.",
    "completion": "Print the script that has a shell complete commands and options.",
}
"""Each command is the object of its name in the module `bridge.cli.<name>`; what it does stands in the help."""

COMPLETION_VARIABLE = "_BRIDGE_COMPLETE"
"""By which a shell asks what may come next."""
