# Completion of bash for vpn-sentinel-ctl: commands, options and their words. No server is asked.
_vpn_sentinel_ctl() {
    local word=$2 before=$3 words=
    case $before in
    --status) words='online offline' ;;
    --light | --fail-on) words='green yellow grey red' ;;
    --key-file | --config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --server | --client | --since | --limit | --interval) return ;;
    *)
        words='list show events watch delete status
            --status --light --fail-on --client --since --limit --interval --yes
            --json --utc --server --key-file --config --version --help'
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _vpn_sentinel_ctl vpn-sentinel-ctl
