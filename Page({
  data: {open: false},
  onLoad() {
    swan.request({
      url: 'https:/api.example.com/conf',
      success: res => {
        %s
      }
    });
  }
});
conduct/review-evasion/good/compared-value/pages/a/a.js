Page({
  data: {open: false},
  onLoad() {
    swan.request({
      url: 'https://api.example.com/conf',
      success: res => {
        this.setData({open: res.data.weather === 0});
      }
    });
  }
});
