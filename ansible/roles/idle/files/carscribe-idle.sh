#!/bin/sh
# carscribe-idle UNIT MINUTES: switch this host off after so many minutes in which the unit
# did nothing. An open session does not keep it up, and is warned.
#
# Minutes are counted and no times compared: a machine that was suspended, or whose clock
# was set, has not been idle for that. To start this anew begins the count anew.
set -eu

unit=$1 minutes=$2
left=$minutes before=""

while sleep 60; do
    # The end of the last run too: one may have come and gone since the last look.
    now=$(systemctl show --property=ActiveState,InactiveEnterTimestampMonotonic "$unit")
    case $now in
        *ActiveState=inactive* | *ActiveState=failed*) ;;
        *) now=at-work ;;
    esac
    if [ "$now" = at-work ] || { [ -n "$before" ] && [ "$now" != "$before" ]; }; then
        before=$now left=$minutes
        continue
    fi
    before=$now left=$((left - 1))
    case $left in
        10 | 1)
            wall "This host has no run and stops itself in $left min; 'sudo systemctl restart carscribe-idle' puts it off." || :
            ;;
    esac
    if [ "$left" -le 0 ]; then
        logger -t carscribe-idle "no run for $minutes min: switching off" || :
        exec systemctl poweroff
    fi
done
