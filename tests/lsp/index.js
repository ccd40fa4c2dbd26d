Page({
    data: { stores: [], notice: '' },
    onLoad() {
        swan.request({
            url: 'http://static.corner-shop.example/notice',
            success: answer => this.setData({ notice: answer.data.text })
        });
        swan.getLocation({
            type: 'gcj02',
            success: res => {
                swan.setStorageSync('position', { latitude: res.latitude, longitude: res.longitude });
                swan.request({
                    url: 'http://api.corner-shop.example/stores',
                    data: { latitude: res.latitude, longitude: res.longitude },
                    success: answer => this.setData({ stores: answer.data.list })
                });
            },
            fail: () => swan.showToast({ title: '无法取得位置', icon: 'none' })
        });
    },
    nearby() {
        this.onLoad();
    }
});
